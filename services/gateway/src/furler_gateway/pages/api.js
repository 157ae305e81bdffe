// Draws /openapi.json as a page. Everything from the document is put in as text, never as markup.
"use strict";

const REF = "#/components/schemas/";

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child != null));
  return node;
}

function typeOf(schema) {
  if (schema.$ref) {
    const name = schema.$ref.slice(REF.length);
    return make("a", { href: "#type-" + name }, name);
  }
  if (schema.type === "array") return make("span", {}, "[", typeOf(schema.items), "]");
  if (schema.additionalProperties) return make("span", {}, "{", typeOf(schema.additionalProperties), "}");
  if (schema.oneOf) return make("span", {}, ...schema.oneOf.flatMap((each, at) => (at ? [" or ", typeOf(each)] : [typeOf(each)])));
  const kind = schema.contentEncoding || schema.format;
  return make("span", {}, [].concat(schema.type || "any").join(" or ") + (kind ? " · " + kind : ""));
}

function fields(schema, required = schema.required || []) {
  const rows = Object.entries(schema.properties || {}).map(([name, each]) =>
    make("tr", {}, make("td", {}, name + (required.includes(name) ? " *" : "")), make("td", {}, typeOf(each)), make("td", {}, each.description || "")));
  return rows.length ? make("table", {}, make("tbody", {}, ...rows)) : null;
}

// The summary may be the description's own first sentence.
function described({ summary = "", description = "" }) {
  return description.startsWith(summary) ? description : `${summary} ${description}`.trim();
}

function operation(path, method, op) {
  const parameters = (op.parameters || []).map((each) =>
    make("tr", {}, make("td", {}, each.name), make("td", {}, each.in), make("td", {}, each.description || "")));
  const body = op.requestBody && op.requestBody.content["application/json"].schema;
  const [[kind, answer]] = Object.entries(op.responses["200"].content);
  const data = body ? ` \\\n  -H 'Content-Type: application/json' -d '{}'` : "";
  return make("article", { id: op.operationId },
    make("h3", {}, `${method.toUpperCase()} ${path}`),
    make("p", {}, described(op)),
    parameters.length ? make("table", {}, make("tbody", {}, ...parameters)) : null,
    body ? make("p", {}, "Takes ", typeOf(body)) : null,
    make("p", {}, "Gives ", typeOf(answer.schema), make("span", { class: "mute" }, ` as ${kind}`)),
    make("details", {}, make("summary", {}, "curl"), make("pre", {}, `curl ${body ? "" : "-G "}${location.origin}${path}${data}`)));
}

function draw(document_) {
  document.getElementById("description").textContent = document_.info.description;
  const main = document.getElementById("operations");
  for (const tag of document_.tags) {
    const contents = make("ul");
    main.append(make("h2", { id: "tag-" + tag.name }, tag.name), make("p", {}, tag.description));
    document.getElementById("contents").append(make("div", {}, make("h3", {}, tag.name), contents));
    for (const [path, item] of Object.entries(document_.paths))
      for (const [method, op] of Object.entries(item)) {
        if (!op.tags.includes(tag.name)) continue;
        main.append(operation(path, method, op));
        // A method by its name within the service, anything else by its path.
        const name = op.operationId.startsWith(tag.name + ".") ? op.operationId.slice(tag.name.length + 1) : `${method.toUpperCase()} ${path}`;
        contents.append(make("li", {}, make("a", { href: "#" + op.operationId }, name)));
      }
  }
  for (const [name, schema] of Object.entries(document_.components.schemas))
    document.getElementById("schemas").append(
      make("article", { id: "type-" + name }, make("h3", {}, name), make("p", {}, schema.description || ""), fields(schema)));
  // The place asked for did not exist when the page was loaded.
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

fetch("/openapi.json").then((answer) => answer.json()).then(draw, (error) => {
  document.getElementById("description").textContent = "openapi.json could not be loaded: " + error;
});
