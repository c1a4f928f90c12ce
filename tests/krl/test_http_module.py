"""What leaves a ruleset and what comes in as text: http, event:send, csv, this2that."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scopes import NoEffects

from picosched.errors import KrlError
from picosched.krl.body import evaluate_body
from picosched.krl.budget import Budget, Limits
from picosched.krl.library import MODULES
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.krl.ruleset import compile_ruleset
from picosched.krl.running import instantiate
from picosched.krl.scope import Scope

URL = "http://tea.example/cups"
JSON = (("Content-Type", "application/json"), ("Content-Length", "9"), ("X-Cup", "1"), ("x-cup", "2"))
FIELDS = ["content", "content_type", "content_length", "headers", "status_code", "status_line"]


HERE = "http://here.example:8123"


class Recorded(NoEffects):
    """Effects that answer each request alike and remember what was asked of them."""

    def __init__(self, answer: HttpResponse) -> None:
        self.answer = answer
        self.asked: list[HttpRequest] = []
        self.raised: list[tuple[Any, ...]] = []
        self.sent: list[tuple[Any, ...]] = []
        self.delivered: list[tuple[Any, ...]] = []
        self.directives: list[tuple[str, Any]] = []

    def http(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        return self.answer

    def raise_event(self, domain: str, type: str, attrs: Any, rids: Sequence[str] | None = None) -> None:
        self.raised.append((domain, type, attrs, rids))

    @property
    def agenda(self) -> Recorded:
        return self

    def send(self, eci: str, domain: str, type: str, attrs: Any) -> str:
        self.sent.append((eci, domain, type, attrs))
        return "e7"

    @property
    def outbox(self) -> Recorded.Outbox:
        return Recorded.Outbox(self)

    class Outbox:
        def __init__(self, effects: Recorded) -> None:
            self._effects = effects

        def is_here(self, host: str) -> bool:
            return host == HERE

        def send(self, *sent: Any) -> str:
            self._effects.delivered.append(sent)
            return "e8"

    def direct(self, name: str, options: Any) -> None:
        self.directives.append((name, options))


def scope_with(answer: HttpResponse | None = None) -> tuple[Scope, Recorded]:
    effects = Recorded(answer or HttpResponse(200, "OK", JSON, b'{"n": 1}\n'))
    scope = Scope(
        rid="tea",
        pico_id="p1",
        budget=Budget(Limits()),
        effects=effects,  # type: ignore[arg-type]
        now=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        random=random.Random(7),
        meta={},
        config={},
    )
    return scope, effects


def value_of(text: str, answer: HttpResponse | None = None) -> Any:
    return evaluate_body(text, scope_with(answer)[0])


def asked(text: str) -> HttpRequest:
    """The one request that an action makes."""
    effects = acted(text)
    assert len(effects.asked) == 1
    return effects.asked[0]


def acted(action: str, answer: HttpResponse | None = None, host: str | None = None) -> Recorded:
    """What the effects were told by a rule with this action, whose result `d` goes out as a directive."""
    scope, effects = scope_with(answer)
    scope.host = lambda: host
    ruleset = compile_ruleset(
        "ruleset tea { rule r { select when tea go every { " + action + ' send_directive("d", {"d": d}) } } }'
    )
    instantiate(ruleset, scope, lambda rid, config: {}).run(0, {})
    return effects


# ---- requests -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["get", "head", "post", "put", "patch", "delete"])
def test_each_method_is_an_action_that_gives_the_answer(name: str) -> None:
    effects = acted(f'http:{name}("{URL}") setting(d)')
    assert effects.asked == [HttpRequest(name.upper(), URL)]
    ((_, options),) = effects.directives
    assert list(options["d"]) == FIELDS
    assert MODULES["http"][name].parameters[:11] == tuple(
        "url qs headers body auth json form parseJSON autoraise autosend dontFollowRedirect".split()
    )


def test_get_and_head_are_functions_too_and_the_others_are_not() -> None:
    assert value_of(f'http:get("{URL}"){{"status_code"}}') == 200
    assert value_of(f'f = http:head; f("{URL}"){{"status_line"}}') == "OK"
    assert value_of(f'"{URL}".http:get(){{"status_code"}}') == 200
    with pytest.raises(KrlError, match="found the action http:post as a function"):
        value_of(f'http:post("{URL}")')
    with pytest.raises(KrlError, match="event:attr is a function, wanted an action"):
        acted('event:attr("x") setting(d)')


@pytest.mark.parametrize(
    ("call", "url"),
    [
        ('http:get("http://h/", {"a": 1})', "http://h/?a=1"),
        ('http:get("http://h/?z=0#part", {"a": "ü &"})', "http://h/?z=0&a=%C3%BC%20%26"),
        ('http:get(" HTTPS://h/x ", qs = {"n": null, "t": true, "f": 0.5})', "HTTPS://h/x?t=true&f=0.5"),
        ('http:get("http://h", {"a": ["x", {"b": [1]}], "e": [], "m": {}})', None),
        ('http:delete("http://h/") with params = {"a": 1}', "http://h/?a=1"),
        ('http:get("http://h/", {})', "http://h/"),
    ],
)
def test_the_query_joins_the_url(call: str, url: str | None) -> None:
    wanted = url or "http://h?a%5B0%5D=x&a%5B1%5D%5Bb%5D%5B0%5D=1"
    assert asked(f"{call} setting(d)").url == wanted


@pytest.mark.parametrize(
    ("given", "body", "kind"),
    [
        ('body = "some tea"', b"some tea", "text/plain;charset=UTF-8"),
        ('body = "b", json = {"a": 1}, form = {"a": 1}', b"b", "text/plain;charset=UTF-8"),
        ("body = 5", b"5", "text/plain;charset=UTF-8"),
        ('body = {"a": [1]}', b'{"a":[1]}', "application/json"),
        ('body = "", json = {"a": "ü"}', '{"a":"ü"}'.encode(), "application/json"),
        ("json = false", b"false", "application/json"),
        ('json = [1, function(x){ x }], form = {"a": 1}', b"[1,null]", "application/json"),
        ('form = {"k": "v w", "foo": ["bar", "baz"]}', b"k=v%20w&foo%5B0%5D=bar&foo%5B1%5D=baz", None),
        ('params = {"k": "v"}', b"k=v", None),
        ('params = "k=v"', b"k=v", None),
        ('headers = {"Content-Type": "application/json"}, params = {"k": 1}', b'{"k":1}', "application/json"),
        ('headers = {"content-type": "text/csv"}, body = "a,b"', b"a,b", "text/csv"),
        ("body = null", b"", ""),
    ],
)
def test_what_is_sent_and_its_type(given: str, body: bytes, kind: str | None) -> None:
    request = asked(f'http:post("{URL}", {given}) setting(d)')
    assert request.body == body
    wanted = "application/x-www-form-urlencoded" if kind is None else kind
    assert dict(request.headers).get("content-type", "") == wanted


def test_classic_options_stand_behind_with() -> None:
    effects = acted(
        f'http:post("{URL}") setting(d) with params = {{"a": 1}} and headers = {{"X-Key": 5}} '
        'and credentials = {"username": "bob", "password": "nopass", "realm": "r", "netloc": "h:80"} '
        'and response_headers = ["X-Cup"] and autoraise = "brewed"'
    )
    (request,) = effects.asked
    assert (request.body, request.auth) == (b"a=1", ("bob", "nopass"))
    assert ("x-key", "5") in request.headers
    ((domain, type, attrs, rids),) = effects.raised
    assert (domain, type, rids) == ("http", "post", None)
    assert list(attrs) == [*FIELDS, "x-cup", "label"]
    assert (attrs["label"], attrs["x-cup"], attrs["content"]) == ("brewed", "1, 2", '{"n": 1}\n')


def test_the_places_of_arguments_are_those_of_the_node_engine() -> None:
    request = asked(
        f'http:put("{URL}", {{"q": 1}}, {{"h": "v"}}, "body", {{"username": "u"}},'
        " null, null, true, null, null, true) setting(d)"
    )
    assert request == HttpRequest(
        "PUT",
        f"{URL}?q=1",
        (("h", "v"), ("content-type", "text/plain;charset=UTF-8")),
        b"body",
        ("u", ""),
        redirects=False,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "http:get needs a url string"),
        ('""', "http:get needs a url string"),
        ('{"one": 1}', "http:get was given a Map instead of a url string: \\[Map\\]"),
        ('"tea.example/x"', "needs a URL that begins with http:// or https://; found"),
        ('"file:///etc/passwd"', "needs a URL that begins"),
        ('"http:///x"', "needs a URL that begins"),
        ('"http://h/", "a=1"', "a String instead of a map as qs"),
        ('"http://h/", null, ["x"]', "an Array instead of a map of headers"),
        ('"http://h/", headers = {"a b": 1}', 'cannot send the header "a b": 1'),
        ('"http://h/", headers = {"a": "x" + 13.chr() + 10.chr() + "b: c"}', "cannot send the header"),
        ('"http://h/", headers = {"a": "x" + 13.chr() + "y"}', 'cannot send the header "a"'),
        ('"http://h/", headers = {"a": [1]}', "cannot send the header"),
        ('"http://h/", headers = {"Host": "other"}', "the header Host, which the engine sets"),
        ('"http://h/", headers = {"transfer-encoding": "chunked"}', "which the engine sets"),
        ('"http://h/", auth = "bob"', "a String instead of a map"),
        ('"http://h/", auth = {"user": "bob"}', "a Null instead of a username string"),
        ('"http://h/", auth = {"username": "bob", "password": 1}', "a Number instead of a password string"),
        ('"http://h/", form = [1]', "an Array instead of a map as form"),
        (
            '"http://h/", autosend = {"domain": "a"}',
            "the autosend of http:get needs a String as eci; found a Null",
        ),
        ('"http://h/", timeout = 5', "http:get takes no timeout; it takes url, qs, headers"),
    ],
)
def test_bad_arguments_are_told_before_anything_is_asked(arguments: str, message: str) -> None:
    scope, effects = scope_with()
    with pytest.raises(KrlError, match=message):
        evaluate_body(f"http:get({arguments})", scope)
    assert effects.asked == []


@pytest.mark.slow
def test_a_query_that_would_be_too_large_is_refused_early() -> None:
    with pytest.raises(KrlError) as caught:
        MODULES["http"]["get"].run(scope_with()[0], URL, {"x" * 1_000_000: list(range(1_000))})
    assert caught.value.code == "too_large"


def test_too_many_arguments_are_left_over_as_everywhere() -> None:
    many = ", ".join(["null"] * 20)
    assert asked(f'http:post("{URL}", {many}) setting(d)').url == URL
    assert value_of(f'http:get("{URL}", {many}){{"status_code"}}') == 200


# ---- answers ------------------------------------------------------------------------------------------


def test_an_answer_is_a_map_in_the_shape_of_the_node_engine() -> None:
    assert value_of(f'http:get("{URL}")') == {
        "content": '{"n": 1}\n',
        "content_type": "application/json",
        "content_length": 9,
        "headers": {"content-type": "application/json", "content-length": "9", "x-cup": "1, 2"},
        "status_code": 200,
        "status_line": "OK",
    }


def test_json_is_parsed_where_it_is_wanted_and_where_it_is_json() -> None:
    call = f'http:get("{URL}", parseJSON = true){{"content"}}'
    assert value_of(call) == {"n": 1}
    assert value_of(call, HttpResponse(200, "OK", JSON, b"{no json")) == "{no json"


def test_a_call_without_an_answer_says_why() -> None:
    assert value_of(f'http:get("{URL}", parseJSON = true)', HttpResponse(0, "no answer")) == {
        "content": "",
        "content_type": None,
        "content_length": 0,
        "headers": {},
        "status_code": 0,
        "status_line": "no answer",
    }


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/plain", "ü".encode(), "ü"),
        ("text/plain", "\ufeffü".encode(), "ü"),
        ("text/plain", b"\xff", "\ufffd"),
        ("text/plain; charset=ISO-8859-1", b"\xfc\x80", "ü€"),
        ('text/plain; charset="latin1"', b"\xfc", "ü"),
        ("text/plain; charset=punycode", b"abc-", "abc-"),
    ],
)
def test_bytes_become_text(kind: str, body: bytes, text: str) -> None:
    answer = HttpResponse(200, "OK", (("content-type", kind), ("content-length", "x")), body)
    found = value_of(f'http:get("{URL}")', answer)
    assert (found["content"], found["content_length"]) == (text, len(body))


def test_autosend_sends_the_answer_and_gives_null() -> None:
    target = '{"eci": "c1", "domain": "tea", "name": "answered", "attrs": {"cup": 1, "content": 2}}'
    effects = acted(f'http:get("{URL}", autosend = {target}) setting(d)')
    ((eci, domain, type, attrs),) = effects.sent
    assert (eci, domain, type) == ("c1", "tea", "answered")
    assert list(attrs) == ["cup", *FIELDS]
    assert attrs["content"] == '{"n": 1}\n'
    assert effects.directives == [("d", {"d": None})]


# ---- event:send ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        'event:send({"eci": "c1", "domain": "tea", "type": "go", "attrs": {"n": 1}})',
        'event:send({"eci": "c1", "domain": "tea", "name": "go", "attrs": {"n": 1}})',
        'event:send({"sub": {"Tx": "c1"}, "domain": "tea", "type": "go", "attrs": {"n": 1}})',
        'event:send({"cid": "c1", "name": "Phil"}, "tea", "go") with attrs = {"n": 1}',
        'event:send({"token": "c1"}, "tea", "go") with attrs = {"n": 1}',
    ],
)
def test_events_are_sent_in_the_forms_of_both_engines(call: str) -> None:
    form, _, options = call.partition(" with ")
    effects = acted(f"{form} setting(d)" + (f" with {options}" if options else ""))
    assert effects.sent == [("c1", "tea", "go", {"n": 1})]
    assert effects.directives == [("d", {"d": "e7"})]


@pytest.mark.parametrize(
    "call",
    [
        'event:send({"eci": "c1", "domain": "tea", "type": "go"}, "https://h")',
        'event:send({"eci": "c1", "domain": "tea", "type": "go"}, host = "https://h")',
        'event:send({"eci": "c1", "domain": "tea", "type": "go", "host": "https://h"})',
        'event:send({"sub": {"Tx": "c1", "Tx_host": "https://h"}, "domain": "tea", "type": "go"})',
        'ctx:event("c1", "tea", "go", {}, "https://h")',
    ],
)
def test_an_event_is_sent_to_another_engine(call: str) -> None:
    effects = acted(f"{call} setting(d)")
    assert (effects.delivered, effects.sent) == ([("https://h", "c1", "tea", "go", {})], [])
    assert effects.directives == [("d", {"d": "e8"})]


@pytest.mark.parametrize("host", ["null", '""', "meta:host"])
def test_no_host_is_this_engine(host: str) -> None:
    effects = acted(f'event:send({{"eci": "c1", "domain": "a", "type": "b"}}, {host}) setting(d)', host=HERE)
    assert effects.sent == [("c1", "a", "b", {})]


def test_an_event_is_sent_without_attributes() -> None:
    assert acted('event:send({"eci": "c1", "domain": "a", "type": "b"}) setting(d)').sent[0][3] == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "event:send needs a map with eci, domain and type; found a Null: null"),
        ('"c1", "a", "b"', "needs a map with eci"),
        ('{"domain": "a", "type": "b"}', "needs a String as eci; found a Null"),
        ('{"eci": 5, "domain": "a", "type": "b"}', "needs a String as eci; found a Number: 5"),
        ('{"eci": "c"}, "", "b"', 'needs a String as domain; found an empty String: ""'),
        ('{"eci": "c", "domain": "a"}', "needs a String as type; found a Null"),
        ('{"eci": "c", "domain": "a", "type": "b", "attrs": [1]}', "needs a Map as attrs; found an Array"),
        ('{"eci": "c", "domain": "a", "type": "b"}, 5', "needs a String as host; found a Number: 5"),
    ],
)
def test_an_event_to_nowhere_is_refused(arguments: str, message: str) -> None:
    with pytest.raises(KrlError, match=message):
        acted(f"event:send({arguments}) setting(d)")


# ---- csv and this2that --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'csv:parse("a,b" + 10.chr() + "1,x y")', [{"a": "1", "b": "x y"}]),
        (r'csv:parse("a;b" + 10.chr() + "1", {"delimiter": ";"})', [{"a": "1", "b": None}]),
        ('csv:parse("a,b", {"header": false})', [["a", "b"]]),
        ('csv:parse("")', []),
        ('csv:parse("a,b")', []),
        ('csv:encode([{"a": 1, "b": null}, {"c": "x,y", "a": true}])', 'a,b,c\n1,,\ntrue,,"x,y"'),
        ('csv:from_array([{"a": [1, {"b": 2}]}])', 'a\n"[1,{""b"":2}]"'),
        ('csv:encode([["a", 1.5], []], {"delimiter": ";"})', "a;1.5\n"),
        ('csv:encode([{"a": 1}], {"header": false})', "1"),
        ("csv:encode([])", ""),
        ('this2that:string2base64("tea ü")', "dGVhIMO8"),
        ('this2that:encodeBase64("tea", "|")', "dGVh|"),
        ('this2that:base642string("dGVhIMO8")', "tea ü"),
        ('this2that:url2base64("ü??>")', "w7w_Pz4"),
        ('this2that:base642url("w7w_Pz4")', "ü??>"),
        ("this2that:chr(74)", "J"),
        ('this2that:ord("J")', 74),
    ],
)
def test_a_conversion_gives(text: str, value: Any) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("csv:parse(5)", "csv:parse needs a text; found a Number: 5"),
        ('csv:parse("a", 5)', "a Number instead of an options map"),
        ('csv:parse("a", {"delimiter": ",,"})', 'one character as delimiter; found ",,"'),
        ('csv:parse("a" + 10.chr() + "1,2")', "found 2 cells in row 2, wanted at most 1"),
        ("csv:parse(34.chr() + 'a')", "row 1 is not CSV|unexpected|found"),
        ('csv:encode({"a": 1})', "csv:encode needs an array of rows; found a Map"),
        ("csv:encode([[1], 2])", "row 2 is a Number"),
        (
            'csv:parse(1.range(3000).join(",") + 1.range(3000).map(function(n){ 10.chr() + n }).join(""))',
            "elements",
        ),
    ],
)
def test_a_conversion_refuses(text: str, message: str) -> None:
    with pytest.raises(KrlError, match=message):
        value_of(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    "rows",
    [
        [["x" * 1_000_000] * 1_000],
        [[[["x" * 1_000_000]]] * 1_000],
        [["x" * 1_000_000]] * 1_000,
        [{f"{row} {key}": 1 for key in range(1_000)} for row in range(1_000)],
        [dict.fromkeys(map(str, range(1_000)), 1)] * 10_000,
    ],
    ids=["one row", "JSON", "many rows", "many names", "one map"],
)
def test_a_table_that_would_be_too_large_is_refused_early(rows: Any) -> None:
    with pytest.raises(KrlError) as caught:
        MODULES["csv"]["encode"].run(scope_with()[0], rows)
    assert caught.value.code == "too_large"


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


@given(st.lists(st.lists(cells, min_size=1, max_size=4), max_size=5), st.sampled_from(",;\t|"))
def test_what_is_encoded_is_parsed_again(rows: list[list[str]], delimiter: str) -> None:
    scope, _ = scope_with()
    csv = MODULES["csv"]
    text = csv["encode"].run(scope, rows, {"delimiter": delimiter})
    assert csv["parse"].run(scope, text, {"delimiter": delimiter, "header": False}) == rows
