"""Expressions: the real server's decisions one by one, then hostile input, keys and `async`."""

from __future__ import annotations

import inspect
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from inngest_asgi.dev.cel.expressions import ExpressionError, compile_expression

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "expressions.json").read_text("utf-8")
)
NOW = 1_780_000_000.0
# The real server stamped these on the event before it decided; the file leaves them out.
EVENT: dict[str, Any] = {**VECTORS["event"], "id": "01JZ0000000000000000000000", "ts": NOW * 1000}


def decide(text: str) -> object:
    try:
        expression = compile_expression(text)
    except ExpressionError:
        return "refused"
    return expression.matches(EVENT, now=NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(case["expression"], case["result"], id=case["expression"])
        for case in VECTORS["cases"]
    ],
)
def test_decided_as_by_the_real_server(text: str, expected: object) -> None:
    assert decide(text) == expected


def value(text: str, **data: Any) -> Any:
    return compile_expression(text).value({"name": "t", "data": data}, now=NOW)


def key(text: str, **data: Any) -> str | None:
    return compile_expression(text).key({"name": "t", "data": data}, now=NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("event.data.no < 5", True, id="less-than-anything"),
        pytest.param("event.data.no <= ''", True, id="less-or-equal"),
        pytest.param("5 < event.data.no", False, id="nothing-is-less"),
        pytest.param("5 <= event.data.no", False, id="nothing-is-less-or-equal"),
        pytest.param("event.data.no >= 5", False, id="not-greater"),
        pytest.param("5 > event.data.no", True, id="anything-is-greater"),
        pytest.param("5 >= event.data.no", True, id="anything-is-greater-or-equal"),
        pytest.param("event.data.s + event.data.no", "abc", id="plus-left"),
        pytest.param("event.data.no + event.data.s", "abc", id="plus-right"),
        pytest.param("event.data.no + event.data.nope", False, id="plus-both"),
        pytest.param("event.data.no * 2", False, id="times"),
        pytest.param("-event.data.no", False, id="minus"),
        pytest.param("lowercase(event.data.no)", False, id="function"),
        pytest.param("event.data.no", False, id="alone"),
        pytest.param("event.data.no == vars.x", False, id="vars"),
        pytest.param("vars == null", True, id="vars-alone"),
        pytest.param("[event.data.no]", False, id="in-list"),
        pytest.param("{'a': event.data.no}", False, id="in-map"),
        pytest.param("event.data.s.deeper == null", True, id="field-of-a-string"),
        pytest.param("event.data.no.exists(x, x == 1)", False, id="macro"),
        pytest.param("event.data.no ? 1 : 2", False, id="condition"),
        pytest.param("has(event.data.o.no)", False, id="has"),
        pytest.param("has(event.data.s.no)", False, id="has-of-a-string"),
        pytest.param("!has(json_parse('{}').no)", True, id="has-of-a-call"),
        pytest.param("has(json_parse('{\"a\":1}').a)", True, id="has-of-a-call-there"),
        pytest.param("!has(size('').no)", False, id="has-of-a-number"),
    ],
)
def test_missing_fields(text: str, expected: object) -> None:
    assert value(text, s="abc", o={}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("null < 5", True, id="zero-left"),
        pytest.param("5.5 > event.data.nul", True, id="zero-right"),
        pytest.param("'a' <= null", False, id="empty-string"),
        pytest.param("null < 1u", True, id="uint"),
        pytest.param("null < null", None, id="both"),
        pytest.param("null < true", None, id="bool-has-no-zero"),
        pytest.param("null + null", None, id="plus-both"),
        pytest.param("'a' + null", "aNULL_VALUE", id="plus"),
        pytest.param("size(null)", None, id="size"),
        pytest.param("null.a", None, id="field"),
    ],
)
def test_nulls(text: str, expected: object) -> None:
    assert value(text, nul=None) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("'' || 'b'", "b", id="or-second"),
        pytest.param("event.data.zero || event.data.nul || event.data.list", [], id="or-list"),
        pytest.param("event.data.nul || event.data.zero", 0.0, id="or-last"),
        pytest.param("'a' && 'b' && 'c'", "c", id="and-last"),
        pytest.param("'a' && '' && 'c'", "", id="and-first-false"),
        pytest.param("1/0 || true", True, id="error-or-true"),
        pytest.param("1/0 && true", None, id="error-and-true"),
        pytest.param("false || (true && false) || true", True, id="nested"),
        pytest.param("!(1/0)", False, id="not-an-error"),
        pytest.param("!'a'", None, id="not-a-string"),
        pytest.param("!!true", True, id="not-not"),
        pytest.param("'a' ? 1 : 2", None, id="condition-of-a-string"),
        pytest.param("false ? 1 : true ? 3 : 4", 3, id="conditions"),
    ],
)
def test_logic(text: str, expected: object) -> None:
    assert value(text, zero=0, nul=None, list=[]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1 + 2 * 3 - 4 / 2 % 3", 5, id="ints"),
        pytest.param("7u + 1u * 2u", 9, id="uints"),
        pytest.param("1u - 2u", None, id="uint-below-zero"),
        pytest.param("-7 / 2", -3, id="division-truncates"),
        pytest.param("-7 % 2", -1, id="modulo-keeps-the-sign"),
        pytest.param("7 % -2", 1, id="modulo-by-a-negative"),
        pytest.param("9223372036854775807 + 1", None, id="overflow-plus"),
        pytest.param("-9223372036854775808 - 1", None, id="overflow-minus"),
        pytest.param("4611686018427387904 * 2", None, id="overflow-times"),
        pytest.param("-9223372036854775808 / -1", None, id="overflow-divided"),
        pytest.param("-(-9223372036854775808)", None, id="overflow-negated"),
        pytest.param("0x1F - -0x1F", 62, id="hexadecimal"),
        pytest.param("1 / 0", None, id="int-by-zero"),
        pytest.param("1 % 0", None, id="modulo-zero"),
        pytest.param("1.0 / 0.0 > 1e308", True, id="double-by-zero"),
        pytest.param("-1.0 / 0.0 < -1e308", True, id="negative-by-zero"),
        pytest.param("0.0 / 0.0 == 0.0 / 0.0", False, id="nan-differs"),
        pytest.param("0.0 / 0.0 < 1.0", None, id="nan-has-no-order"),
        pytest.param("1.5 % 1.0", None, id="modulo-of-doubles"),
        pytest.param("1 - 1.0", None, id="mixed"),
        pytest.param("'a' - 'b'", None, id="minus-strings"),
        pytest.param("true + true", None, id="plus-bools"),
        pytest.param("-true", None, id="minus-bool"),
        pytest.param("-event.data.n", -3.0, id="minus-double"),
        pytest.param("[1] + [2] == [1.0, 2u]", True, id="lists"),
        pytest.param("b'a' + b'\\x62' == b'ab'", True, id="bytes"),
        pytest.param("{'a': [1]} == {'a': [1.0]}", True, id="equal-deep"),
        pytest.param("[1, 2] == [1]", False, id="shorter"),
        pytest.param("{'a': 1} == {'b': 1}", False, id="other-keys"),
        pytest.param("true == 1", False, id="bool-is-no-number"),
        pytest.param("event.data.list.map(x, x) == event.data.list", True, id="list-with-doubles"),
        pytest.param("'a' < 'b' && b'a' < b'b' && false < true", True, id="order"),
        pytest.param("[1] < [2]", None, id="lists-have-no-order"),
        pytest.param("'a' in {'a': 1}", True, id="in-map"),
        pytest.param("'a' in 'abc'", None, id="in-string"),
        pytest.param("[1, 2][1] + {1: 2}[1]", 4, id="index"),
        pytest.param("event.data.list[event.data.n - 3.0]", 3.0, id="index-by-a-field"),
        pytest.param("event.data.m[event.data.list]", None, id="index-unhashable"),
        pytest.param("event.data.m['a' + 'b']", 7.0, id="index-computed"),
        pytest.param("[1][-1]", None, id="index-negative"),
        pytest.param("[1][0.5]", None, id="index-fraction"),
        pytest.param("[1]['a']", None, id="index-string"),
        pytest.param("'abc'[0]", None, id="index-of-a-string"),
        pytest.param("{'a': 1, 'a': 2}", None, id="key-twice"),
        pytest.param("{}", {}, id="empty-map"),
        pytest.param("[]", [], id="empty-list"),
        pytest.param(".event.data.n", 3.0, id="leading-dot"),
        pytest.param("event.data.n // comment 'x\n + 1.0", 4.0, id="comment"),
        pytest.param("type(1) == int && type(event.data.n) == double", True, id="type"),
        pytest.param("type(null)", "null_type", id="type-name"),
        pytest.param("dyn(1)", 1, id="dyn"),
    ],
)
def test_operators(text: str, expected: object) -> None:
    assert value(text, n=3, list=[3, 4], m={"ab": 7}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("[1, 2].all(x, x > 0)", True, id="all"),
        pytest.param("[1, 2].all(x, x > 1)", False, id="all-not"),
        pytest.param("[].all(x, x)", True, id="all-of-none"),
        pytest.param("[].exists(x, x)", False, id="exists-in-none"),
        pytest.param("[1, 2].exists_one(x, x > 1)", True, id="exists-one"),
        pytest.param("[1, 2].exists_one(x, x > 0)", False, id="exists-two"),
        pytest.param("[1, 2].exists_one(x, x)", None, id="exists-one-not-boolean"),
        pytest.param("[1, 2].filter(x, x > 1)", [2], id="filter"),
        pytest.param("[1, 2].map(x, x > 1, x * 10)", [20], id="map-filtered"),
        pytest.param("[1, 2].map(x, x, x)", None, id="map-not-boolean"),
        pytest.param("[1, 2].map(x, 1 / 0)", None, id="map-error"),
        pytest.param("{'a': 1}.map(k, k + '!')", ["a!"], id="keys"),
        pytest.param("'abc'.map(x, x)", None, id="of-a-string"),
        pytest.param("[[1], [2]].map(x, x.map(x, x + 1))", [[2], [3]], id="same-name-inside"),
        pytest.param("[1].map(event, event)[0] + size(event.name)", 2, id="hides-a-variable"),
        pytest.param("!event.data.objs.exists(o, o.no == 1)", False, id="missing-is-an-error"),
        pytest.param("event.data.objs.exists(o, o.id + 'a' == '1a')", None, id="no-loose-plus"),
        pytest.param("event.data.objs.exists(o, o.nul < 1)", None, id="no-loose-null"),
        pytest.param("event.data.objs.exists(o, event.data.no < 1)", True, id="loose-without-it"),
        pytest.param("event.data.objs.exists(o, !has(o.no))", True, id="has"),
        pytest.param("event.data.objs.exists(o, has(o.id.no))", None, id="has-of-a-number"),
        pytest.param("[1].map(x, [2].map(y, x + y))", [[3]], id="outer-variable"),
    ],
)
def test_macros(text: str, expected: object) -> None:
    assert value(text, objs=[{"id": 1, "nul": None}]) == expected


def test_values_are_plain_python() -> None:
    result = value("[1, 2u, {'a': [int]}, event.data.s]", s="x")
    assert result == [1, 2, {"a": ["int"]}, "x"]
    assert [type(item) for item in result] == [int, int, dict, str]


def test_the_other_event_of_a_wait() -> None:
    expression = compile_expression("event.data.id == async.data.id && async.name == 'paid'")
    event = {"name": "ordered", "data": {"id": 7}}
    assert expression.matches(event, other={"name": "paid", "data": {"id": 7}}, now=NOW)
    assert not expression.matches(event, other={"name": "paid", "data": {"id": 8}}, now=NOW)
    assert not expression.matches(event, other={"name": "paid"}, now=NOW)
    assert not expression.matches(event, now=NOW)
    assert compile_expression("async == null").matches(event, now=NOW)


def test_an_event_has_the_fields_the_server_gives_it() -> None:
    expression = compile_expression("event")
    empty = {"name": "", "data": {}, "user": {}, "id": "", "ts": 0}
    assert expression.value({"data": None}, now=NOW) == empty
    full = {**empty, "name": "n", "v": "2026-01"}
    assert expression.value({"name": "n", "v": "2026-01", "stray": 1}, now=NOW) == full


def test_only_the_boolean_true_matches() -> None:
    for text in ("1", "'true'", "[true]", "event.data.no", "null", "1 / 0"):
        assert not compile_expression(text).matches(EVENT, now=NOW)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("", "it ends too early", id="empty"),
        pytest.param("event.data.n ==", "it ends too early", id="half"),
        pytest.param("event.data.n == 1 )", "line 1, column 19", id="stray"),
        pytest.param("event.data.n\n  == ~1", "line 2, column 6", id="second-line"),
        pytest.param("'open", "a string in it is not closed", id="open-string"),
        pytest.param("user.id == 1", "no variable named 'user'", id="variable"),
        pytest.param("x.map(x, x)", "no variable named 'x'", id="macro-variable-outside"),
        pytest.param("[1].map(x, x) == x", "no variable named 'x'", id="macro-variable-after"),
        pytest.param("nope()", "no function named 'nope'", id="function"),
        pytest.param("'a'.nope()", "no method named 'nope'", id="method"),
        pytest.param("size()", "'size' does not take that many", id="too-few"),
        pytest.param("now(1)", "'now' does not take that many", id="too-many"),
        pytest.param("has(event)", "'has' takes one field", id="has-of-a-variable"),
        pytest.param("has()", "'has' takes one field", id="has-of-nothing"),
        pytest.param("[1].map(1, 2)", "'map' takes a variable", id="macro-of-a-literal"),
        pytest.param("[1].all(x)", "'all' takes a variable", id="macro-short"),
        pytest.param("[1].all()", "'all' takes a variable", id="macro-empty"),
        pytest.param("a.b{c: 1}", "a message of a named type", id="message"),
        pytest.param("9223372036854775808", "not a valid value", id="int-too-large"),
        pytest.param("18446744073709551616u", "not a valid value", id="uint-too-large"),
        pytest.param("1e999", "not a valid value", id="double-too-large"),
        pytest.param("9" * 9999, "not a valid value", id="digits"),
        pytest.param("'\\d'", "not a valid value", id="escape"),
        pytest.param("b'\\d'", "not a valid value", id="escape-in-bytes"),
        pytest.param("'\\ud800'", "not a valid value", id="surrogate"),
        pytest.param("\ud800", "cannot be read", id="surrogate-outside"),
        pytest.param("a" * 16_385, "more than 16384 characters", id="length"),
        pytest.param("[" * 8000 + "]" * 8000, "nested too deeply", id="lists"),
        pytest.param("!" * 10_000 + "true", "nested too deeply", id="nots"),
        pytest.param("1+" * 8000 + "1", "nested too deeply", id="sum"),
        pytest.param("event" + ".a" * 8000, "nested too deeply", id="fields"),
    ],
)
def test_refused(text: str, complaint: str) -> None:
    with pytest.raises(ExpressionError, match=r"^The expression .* cannot be used: ") as caught:
        compile_expression(text)
    assert complaint in str(caught.value)
    assert len(str(caught.value)) < 400


def test_raw_strings_keep_their_backslashes() -> None:
    assert value("r'\\d' + br'\\d'") == "\\d[92 100]"
    assert value(r"'a1'.matches(r'^a\d$')") is True
    assert value("\"\"\"a\n\"b\\n\"\"\" + '''c'd'''") == "a\n\"b\nc'd"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('"' + "\\n" * 5000, id="short"),
        pytest.param('"""' + "\\n" * 5000 + '"', id="long"),
        pytest.param("'''" + "\\\\" * 5000 + "''", id="long-single"),
        pytest.param('"' + "\\n" * 100 + '\\\n"', id="broken-line"),
        pytest.param("true // '" + '\n"' + "\\n" * 100, id="after-a-comment"),
    ],
)
def test_an_open_string_does_not_hang_the_lexer(text: str) -> None:
    with pytest.raises(ExpressionError, match="not closed"):
        compile_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("(" * 8000 + "true" + ")" * 8000, id="parentheses"),
        pytest.param("event.data.s == 'abc' || " * 600 + "true", id="or"),
        pytest.param(" && ".join(["event.data.t"] * 1000), id="and"),
        pytest.param("'" + "\\\\" * 8000 + "' != ''", id="long-string"),
        pytest.param("!'" + "a" * 5000 + "'.matches('(a|a)*(a*)*$b')", id="regular-expression"),
    ],
)
def test_long_expressions_are_decided(text: str) -> None:
    assert compile_expression(text).matches(EVENT, now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("['aaaaaaaa']" + ".map(x, x + x)" * 60, id="string"),
        pytest.param("[[1]]" + ".map(x, x + x)" * 60, id="list"),
        pytest.param("[1]" + ".map(x, [x, x])" * 60, id="value"),
        pytest.param("'a' + [1]" + ".map(x, [x, x])" * 60, id="text"),
        pytest.param("[1]" + ".map(x,[x,x])" * 60 + " == [1]" + ".map(x,[x,x])" * 60, id="equal"),
        pytest.param("event.data.many.all(a, event.data.many.all(b, a + b > 0.0))", id="loops"),
        pytest.param("event.data.deep == event.data.deep", id="deep-equal"),
        pytest.param("event.data.deep", id="deep-value"),
        pytest.param("event.data.huge == 1", id="huge-number"),
    ],
)
def test_an_evaluation_that_explodes_is_given_up(text: str) -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    data = {"many": [1] * 3000, "deep": deep, "huge": 10**400}
    assert value(text, **data) is None


def test_little_stack_left_refuses_or_decides_but_never_crashes() -> None:
    def further_down(levels: int) -> object:
        return decide("-(" * 90 + "1" + ")" * 90) if levels == 0 else further_down(levels - 1)

    compile_expression.cache_clear()
    used = len(inspect.stack())
    assert further_down(sys.getrecursionlimit() - used - 120) == "refused"
    assert decide("-(" * 90 + "1" + ")" * 90) is False


def test_nothing_is_printed_or_logged(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for text in ("1 / 0", "'a'.matches('(unclosed')", "event.data.n == 'x'", "date('?')"):
        compile_expression(text).matches(EVENT, now=NOW)
    with pytest.raises(ExpressionError):
        compile_expression("nope(")
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_compiled_once() -> None:
    assert compile_expression("event.data.n == 1") is compile_expression("event.data.n == 1")
    assert repr(compile_expression("true")) == "Expression(text='true')"


def test_one_expression_in_many_threads() -> None:
    expression = compile_expression("event.data.list.map(x, event.data.list.map(y, x + y))")

    def sums(offset: int) -> object:
        items = list(range(offset, offset + 9))
        got = expression.value({"name": "t", "data": {"list": items}}, now=NOW)
        return got == [[float(x + y) for y in items] for x in items]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(sums, range(100)))
