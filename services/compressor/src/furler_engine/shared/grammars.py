"""Per language: which syntax nodes define something, in tree-sitter's query language.

What lives here: one query a language. What does not: anything that runs one;
that is syntax.py. Every query speaks the same few captures:

- ``@function`` with ``@name`` and ``@body``: a definition whose body can be cut;
- ``@scope`` with ``@name``: a definition that qualifies the names inside it; with a
  ``@body`` that is cut as a whole if the name says that it holds tests;
- ``@type`` with ``@name``: a definition of one name, nothing inside to qualify;
- ``@owner``: the type that a function outside of it belongs to (Go);
- ``@callback`` with ``@body``: a function without a name;
- ``@whole`` around ``@inner``: decorators, exports and the like belong to the
  definition inside;
- ``@comment``, ``@doc`` (a string that documents), ``@import``;
- ``@_by``: what a predicate looks at, nothing else.

A name may be a C declarator; syntax.py looks inside.
"""

from __future__ import annotations

from typing import Final

_PYTHON: Final = """
(comment) @comment
[(import_statement) (import_from_statement) (future_import_statement)] @import
(module . (comment)* . (string) @doc)
(block . (comment)* . (string) @doc)
(class_definition body: (block (string) @doc))
(function_definition name: (identifier) @name body: (block) @body) @function
(class_definition name: (identifier) @name) @scope
(decorated_definition definition: (_) @inner) @whole
"""

_JAVASCRIPT: Final = """
(comment) @comment
(import_statement) @import
(function_declaration name: (identifier) @name body: (statement_block) @body) @function
(generator_function_declaration name: (identifier) @name body: (statement_block) @body) @function
(method_definition name: (_) @name body: (statement_block) @body) @function
(variable_declarator name: (identifier) @name value: (arrow_function body: (_) @body)) @function
(variable_declarator name: (identifier) @name
  value: (function_expression body: (statement_block) @body)) @function
(assignment_expression left: (member_expression) @name
  right: (arrow_function body: (_) @body)) @function
(assignment_expression left: (member_expression) @name
  right: (function_expression body: (statement_block) @body)) @function
(pair key: (property_identifier) @name value: (arrow_function body: (_) @body)) @function
(pair key: (property_identifier) @name
  value: (function_expression body: (statement_block) @body)) @function
(program [
  (lexical_declaration (variable_declarator value: [
    (call_expression function: (identifier) @_by)
    (call_expression function: (call_expression function: (identifier) @_by))
    (member_expression object: (call_expression function: (identifier) @_by))]))
  (variable_declaration (variable_declarator value: [
    (call_expression function: (identifier) @_by)
    (call_expression function: (call_expression function: (identifier) @_by))
    (member_expression object: (call_expression function: (identifier) @_by))]))] @import
  (#match? @_by "^(require|_interopRequire|__importDefault|__importStar)"))
(arrow_function body: (statement_block) @body) @callback
(arrow_function body: (parenthesized_expression) @body) @callback
(function_expression body: (statement_block) @body) @callback
(class_declaration name: (_) @name) @scope
(variable_declarator name: (identifier) @name value: (class)) @scope
(export_statement declaration: (_) @inner) @whole
(lexical_declaration . (variable_declarator) @inner) @whole
(variable_declaration . (variable_declarator) @inner) @whole
"""

_JS_FIELDS: Final = """
(field_definition property: (_) @name value: (arrow_function body: (_) @body)) @function
"""

_TYPESCRIPT: Final = """
(public_field_definition name: (_) @name value: (arrow_function body: (_) @body)) @function
(abstract_class_declaration name: (_) @name) @scope
(interface_declaration name: (_) @name) @scope
(enum_declaration name: (_) @name) @type
(type_alias_declaration name: (_) @name) @type
(internal_module name: (_) @name) @scope
(function_signature name: (identifier) @name) @type
"""

_GO: Final = """
(comment) @comment
(import_declaration) @import
(function_declaration name: (identifier) @name body: (block) @body) @function
(method_declaration
  receiver: (parameter_list (parameter_declaration type: (_) @owner))
  name: (field_identifier) @name body: (block) @body) @function
(type_spec name: (type_identifier) @name) @scope
(type_alias name: (type_identifier) @name) @type
(type_declaration . (type_spec) @inner .) @whole
(func_literal body: (block) @body) @callback
"""

_RUST: Final = """
[(line_comment) (block_comment)] @comment
(use_declaration) @import
(function_item name: (identifier) @name body: (block) @body) @function
(function_signature_item name: (identifier) @name) @type
(struct_item name: (type_identifier) @name) @type
(enum_item name: (type_identifier) @name) @type
(union_item name: (type_identifier) @name) @type
(type_item name: (type_identifier) @name) @type
(const_item name: (identifier) @name) @type
(static_item name: (identifier) @name) @type
(macro_definition name: (identifier) @name) @type
(trait_item name: (type_identifier) @name) @scope
(mod_item name: (identifier) @name body: (declaration_list) @body) @scope
(impl_item type: (_) @name) @scope
"""

_JAVA: Final = """
[(line_comment) (block_comment)] @comment
(import_declaration) @import
(method_declaration name: (identifier) @name body: (block) @body) @function
(method_declaration name: (identifier) @name !body) @type
(constructor_declaration name: (identifier) @name body: (constructor_body) @body) @function
(compact_constructor_declaration name: (identifier) @name body: (block) @body) @function
(class_declaration name: (identifier) @name) @scope
(interface_declaration name: (identifier) @name) @scope
(enum_declaration name: (identifier) @name) @scope
(record_declaration name: (identifier) @name) @scope
(annotation_type_declaration name: (identifier) @name) @scope
"""

_C: Final = """
(comment) @comment
(preproc_include) @import
(function_definition declarator: (_) @name body: (compound_statement) @body) @function
(struct_specifier name: (_) @name body: (_)) @scope
(union_specifier name: (_) @name body: (_)) @scope
(enum_specifier name: (_) @name body: (_)) @type
(type_definition declarator: (_) @name) @type
(preproc_function_def name: (identifier) @name) @type
"""

_CPP: Final = (
    _C
    + """
(class_specifier name: (_) @name body: (_)) @scope
(namespace_definition name: (_) @name) @scope
(alias_declaration name: (_) @name) @type
(template_declaration (_) @inner .) @whole
"""
)

_CSHARP: Final = """
(comment) @comment
(using_directive) @import
(method_declaration name: (identifier) @name body: (_) @body) @function
(method_declaration name: (identifier) @name !body) @type
(constructor_declaration name: (identifier) @name body: (_) @body) @function
(destructor_declaration name: (identifier) @name body: (_) @body) @function
(operator_declaration operator: (_) @name body: (_) @body) @function
(local_function_statement name: (identifier) @name body: (_) @body) @function
(property_declaration name: (identifier) @name accessors: (_) @body) @function
(property_declaration name: (identifier) @name !accessors) @type
(lambda_expression body: (block) @body) @callback
(class_declaration name: (identifier) @name) @scope
(struct_declaration name: (identifier) @name) @scope
(record_declaration name: (identifier) @name) @scope
(interface_declaration name: (identifier) @name) @scope
(enum_declaration name: (identifier) @name) @type
(delegate_declaration name: (identifier) @name) @type
(namespace_declaration name: (_) @name) @scope
"""

_RUBY: Final = """
(comment) @comment
(method name: (_) @name body: (body_statement) @body) @function
(singleton_method name: (_) @name body: (body_statement) @body) @function
(module name: (_) @name) @scope
(class name: (_) @name) @scope
(do_block body: (body_statement) @body) @callback
"""

_PHP: Final = """
(comment) @comment
(namespace_use_declaration) @import
(function_definition name: (name) @name body: (compound_statement) @body) @function
(method_declaration name: (name) @name body: (compound_statement) @body) @function
(method_declaration name: (name) @name !body) @type
(anonymous_function body: (compound_statement) @body) @callback
(class_declaration name: (name) @name) @scope
(interface_declaration name: (name) @name) @scope
(trait_declaration name: (name) @name) @scope
(enum_declaration name: (name) @name) @scope
"""

_BASH: Final = """
(comment) @comment
(function_definition name: (word) @name body: (compound_statement) @body) @function
"""

_SQL: Final = """
[(comment) (marginalia)] @comment
(create_function (object_reference) @name (function_body) @body) @function
(create_table (object_reference) @name) @type
(create_view (object_reference) @name) @type
"""

ERRORS: Final = """
(ERROR) @error
(MISSING) @error
"""
"""What a parser could not read; in every language."""

QUERIES: Final = {
    "python": _PYTHON,
    "javascript": _JAVASCRIPT + _JS_FIELDS,
    "typescript": _JAVASCRIPT + _TYPESCRIPT,
    "tsx": _JAVASCRIPT + _TYPESCRIPT,
    "go": _GO,
    "rust": _RUST,
    "java": _JAVA,
    "c": _C,
    "cpp": _CPP,
    "csharp": _CSHARP,
    "ruby": _RUBY,
    "php": _PHP,
    "bash": _BASH,
    "sql": _SQL,
}
"""Grammar name to query."""

_BRACES: Final = "\nint f(int x) { return x + 1; }"
TAILS: Final = {
    "python": "\ndef f(x):\n    return x + 1\n",
    "javascript": "\nfunction f(x) { return x + 1; }",
    "typescript": "\nfunction f(x: number) { return x + 1; }",
    "tsx": "\nfunction f(x: number) { return x + 1; }",
    "go": "\nfunc f(x int) int { return x + 1 }",
    "rust": "\nfn f(x: i32) -> i32 { return x + 1; }",
    "java": "\nclass A { int f(int x) { return x + 1; } }",
    "c": _BRACES,
    "cpp": _BRACES,
    "csharp": "\nclass A { int f(int x) { return x + 1; } }",
    "ruby": "\ndef f(x)\n  x + 1\nend",
    "php": "\nfunction f($x) { return $x + 1; }",
    "bash": "\nf() {\n  echo x\n}",
    "sql": "\n;\nSELECT 1;",
}
"""Text that any parser reads on from: what syntax.py puts after a source."""
