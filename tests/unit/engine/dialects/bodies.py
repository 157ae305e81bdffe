"""Hand-written provider requests with everything in them that a re-dump would lose."""

from __future__ import annotations

import json

ODD = (
    b'"temperature" : 1.0e0,\t"top_p":0.10, "seed":123456789012345678901234567890,\r\n'
    b' "metadata": {"a":1,"a":2, "\\u00e9":"\\ud83d\\ude00\\/", "n":-0.0, "nested":[[[{}]]]}'
)
"""Odd floats, a huge integer, duplicate keys, escapes that nobody would write again, white space."""


def text(lines: int, what: str = "row") -> str:
    """Return distinct lines."""
    return "\n".join(f"{what} {n}: é “quoted” \\ {n * 7919 % 1000}" for n in range(lines))


def string(value: str) -> bytes:
    """Return a JSON string as some clients write it: everything escaped that can be."""
    return json.dumps(value).replace("/", "\\/").encode()


def anthropic(result: str, *, tool: str = "bash", document: str = "paper") -> bytes:
    """Return an Anthropic request: a call, its result as text and as parts, a document."""
    return b"".join((
        b'{ "model":"m", "system" : [{"type":"text","text":"be good","cache_control":{"type":"ephemeral"}}],\n',
        ODD, b',"tools":[{"name":"bash","input_schema":{"type":"object"}}],"messages":[ ',
        b'{"role":"user","content":"do it"},\n',
        b'{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},',
        b'{"type":"text","text":"I shall"},{"type":"tool_use","id":"t1","name":"', tool.encode(),
        b'","input":{"command" : "ls -la","timeout":1.0}}]},\n',
        b'{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":', string(result),
        b'},{"type":"document","source":{"type":"text","media_type":"text/plain","data":', string(document),
        b'}},{"type":"text","text":"and now?"}]},',
        b'{"role":"assistant","content":[{"type":"tool_use","id":"t2","name":"read","input":{"path":"a.py"}}]},',
        b'{"role":"user","content":[{"type":"tool_result","tool_use_id":"t2","is_error":false,"content":[',
        b'{"type":"text","text":', string(result + "\nlast"), b'},{"type":"image","source":{}}]}]}',
        b' ] , "stream":true }\n',
    ))  # fmt: skip


def openai_chat(result: str) -> bytes:
    """Return a Chat Completions request with two calls and a prompt cache key."""
    return b"".join((
        b'{"prompt_cache_key":"k\\u0031",', ODD, b',"messages":[{"role":"system","content":"be good"},',
        b'{"role":"user","content":[{"type":"text","text":"do it"},{"type":"image_url","image_url":{}}]},',
        b'{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":',
        b'{"name":"grep","arguments":"{\\"pattern\\": \\"x\\", \\"path\\":\\"src\\"}"}}]},',
        b'{"role":"tool","tool_call_id":"c1","content":', string(result), b"},",
        b'{"role":"assistant","content":"hm","tool_calls":[{"id":"c2","type":"function","function":',
        b'{"name":"furler_retrieve","arguments":"{\\"ref\\":\\"abcdefgh234567ab\\"}"}}]},',
        b'{"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":', string(result), b"}]}",
        b'],"tools":[]}',
    ))  # fmt: skip


def openai_responses(result: str) -> bytes:
    """Return a Responses request with reasoning, a call and a custom call."""
    return b"".join((
        b'{"instructions":"be good",', ODD, b',"input":[{"role":"user","content":"do it"},',
        b'{"type":"reasoning","id":"r1","encrypted_content":"Z0FB"},',
        b'{"type":"message","role":"assistant","phase":"commentary","content":[{"type":"output_text","text":"hm"}]},',
        b'{"type":"function_call","call_id":"f1","name":"shell","arguments":"{\\"cmd\\":\\"ls\\"}"},',
        b'{"type":"function_call_output","call_id":"f1","output":', string(result), b"},",
        b'{"type":"custom_tool_call","call_id":"f2","name":"apply_patch","input":"*** Begin"},',
        b'{"type":"custom_tool_call_output","call_id":"f2","output":[{"type":"input_text","text":',
        string(result), b"}]}]}",
    ))  # fmt: skip
