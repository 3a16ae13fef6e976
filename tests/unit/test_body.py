"""What counts as an acceptable JSON document."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.body import DEPTH_LIMIT, parse
from service.kit.errors import Malformed

documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")), inner
        )
    ),
    max_leaves=20,
)


@given(documents)
def test_whatever_json_can_say_is_read_as_it_is(document: object) -> None:
    for ascii_only in (True, False):
        assert parse(json.dumps(document, ensure_ascii=ascii_only).encode()) == document


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        parse(raw)
    except Malformed:
        return
    json.loads(raw)


def code_of(raw: bytes) -> str:
    with pytest.raises(Malformed) as caught:
        parse(raw)
    return caught.value.code


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\xff\xfe{}", "not-utf8"),
        ('{"a": 1}'.encode("utf-16"), "not-utf8"),
        (b'"\xed\xa0\x80"', "not-utf8"),
        (b"\xef\xbb\xbf{}", "not-json"),
        (b"{", "not-json"),
        (b"{} {}", "not-json"),
        (b"{}x", "not-json"),
        (b"{'a': 1}", "not-json"),
        (b"[1,]", "not-json"),
        (b"[01]", "not-json"),
        (b'"\x01"', "not-json"),
        (b"[NaN]", "not-finite"),
        (b"[Infinity]", "not-finite"),
        (b"[-Infinity]", "not-finite"),
        (b"[1e999]", "not-finite"),
        (b"[-1E+999]", "not-finite"),
        (b"[" + b"9" * 400 + b"]", "not-finite"),
        (b"[" + b"9" * 400 + b".5]", "not-finite"),
        (b"[" + b"9" * 5000 + b"]", "not-finite"),
        (b'{"a": 1, "a": 1}', "duplicate-member"),
        (b'[{"b": {"a": 1, "\\u0061": 2}}]', "duplicate-member"),
        (b'"\\ud800"', "bad-text"),
        (b'{"\\udfff": 1}', "bad-text"),
        (b'["\\ud800\\ud800"]', "bad-text"),
        (b'"a\\u0000b"', "bad-text"),
        (b"[" * 10_000 + b"]" * 10_000, "too-deep"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "too-deep"),
        (b"[" * 10_000, "too-deep"),
        (b"[" * (DEPTH_LIMIT + 1) + b"]" * (DEPTH_LIMIT + 1), "too-deep"),
        (b'[{"a":' * 20 + b"1" + b"}]" * 20, "too-deep"),
    ],
)
def test_a_broken_rule_is_named(raw: bytes, code: str) -> None:
    assert code_of(raw) == code


def test_just_deep_enough_is_read() -> None:
    parse(b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT)


def test_many_shallow_lists_are_not_deep() -> None:
    assert len(parse(b"[" + b"[[1]]," * 999 + b"[[1]]]")) == 1000


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert parse(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_a_text_that_looks_like_an_escape_is_no_escape() -> None:
    assert parse(b'"\\\\u0000 \\\\ud800 1e999"') == "\\u0000 \\ud800 1e999"


def test_large_exponents_that_are_finite_pass() -> None:
    assert parse(b"[1e300, 1e-400, 12345678901234567.5]") == [1e300, 0.0, 12345678901234567.5]
