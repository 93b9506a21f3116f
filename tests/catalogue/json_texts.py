"""JSON texts for A34 to A36: values to be put where one is wanted, made from pieces rather than kept as files.

MALFORMED no grammar allows, VALID every parser must take; on DISPUTED parsers differ, and the table has what we answer.
"""


def _quoted(inner: bytes) -> bytes:
    return b'"' + inner + b'"'


def _words(text: str) -> list[bytes]:
    return [word.encode() for word in text.split()]


_BAD_NUMBERS = _words("+1 ++1 --1 -+1 01 -01 00 -00 - + . -. .5 -.5 1. -1. 0. 1.e3 0.e1 9.e+ 1e 1E 1e+ 1E- 0e 0e+ "
                      "1e1.5 1e1e1 1ee2 1eE2 "
                      "1e--2 1e++2 1.2.3 0.1. 0x10 0x 0b1 0o7 1_000 1'000 1a 1f 1L 1n 1d 1+1 1- 1/2 1% (1) $1 -a "
                      "Infinity -Infinity "
                      "+Infinity NaN -NaN nan inf -Inf 1,000 １ ٣ ½ −1 ∞") + [b"1 2", b"1 .5", b"- 1", b"1. 5", b"1 e5",
                                                                             b"1e 5"]
_BAD_WORDS = _words("True FALSE Null nul nulll tru truee fals undefined None yes on t n nil void truе null,null true,1 "
                    "new_Date a _ $ ? * @ ! ~ , : ; / \\ = => .") + [b"true false", b"n ull", b""]
_BAD_STRINGS = [_quoted(bytes([control])) for control in range(32)] + [
    _quoted(b"\\" + escape) for escape in _words("x41 ' a 0 v e U00000041 u u1 u12 u123 u123g ug123 u{41} u+041 u-041 "
                                                 "u.041 1 @ é")] + [
    b'"\\ "', b'"\\u 041"', b'"\\\n"', b'"\\\t"', b'"\\ud83d\\u"', b'"\\ud83d\\ude0"', b'"\\', b'"\\"', b'"\\\\\\"',
    b'"a', b'a"', b'"a"b"',
    b'"a" "b"', b'"a"+"b"', b"'a'", b"`a`", b"'a\"", b'r"a"', b'b"a"', b'@"a"', b'""a""', b'"""a"""', b"\xe2\x80\x9ca\xe2\x80\x9d",
    b"\\u0022a\\u0022", b'&quot;a&quot;']
_BAD_ARRAYS = _words('[ ] [1 [1, [1,] [,1] [,] [,,] [1,,2] [1;2] [1:2] [1} [} ][ []] [[] [[[[ ["a" ["a", ["a"]] [1,2 '
                     '(1,2) [1]x x[1] [...] [1,...] '
                     '[x] [null [true,fals] ["\\"] [*] <1> [{] [{} [{]} [}] [1]] [[1,]] [1,[,]] [-] [""") [+]') + [
    b"[1 2]", b"[1\n2]", b"[1,\n,2]", b"[ , ]", b"[1]\x00", b"[\x00]"]
_BAD_OBJECTS = _words('{ {a:1} {\'a\':1} {"a"} {"a":} {"a":1,} {,} {"a":1,,"b":2} {"a"=1} {"a"=>1} {:1} {1:1} '
                      '{null:1} {true:1} {[]:1} {{}:1} '
                      '{"a":1;"b":2} {"a"::1} {"a":1:2} {"a",1} {"a":1] {"a":[} {"a":"b} {"a:1} {a} {1} {"a":1}} '
                      '{"a":1,1} {"a":1,"b"} {...} '
                      '{"a":undefined} {"a":\'b\'} {"a":b} {"a":1,"b":} {/*c*/"a":1} {"a":,} {"a":{} '
                      '{"a":function(){}} {"a":1,"b":2,} {"a":{"b":1,}} '
                      '{"a":1,b:2} {"a"}:1 {"a" {"a": {"a":1 {"a":1, {{}} {[]} {""} {}{} {}[] {};') + [
    b'{"a" 1}', b'{"a":1 "b":2}', b'{"a":"b" "c"}', b'{"a":1//\n}', b"{#\n}", b'{"a":1 , }', b'{ , "a":1}']
_BAD_SPACES = [space + b"1" for space in (b"\x0c", b"\x0b", b"\xc2\xa0", b"\xe2\x80\xa8", b"\xe3\x80\x80", b"\xc2\x85",
                                          b"\xe2\x80\x8b", b"\xef\xbb\xbf",
                                          b"\x08", b"\x00", b"\x1f", b"\x7f", b"\\n", b"\\t", b"%20", b"&#32;")]
_COMMENTS = _words("/**/1 1/**/ /*1 1/* #1 <!--1--> 1--x //1 1; ;1 %1") + [b"1 //x\n", b"//x\n1", b"1 #x\n"]

MALFORMED = [*_BAD_NUMBERS, *_BAD_WORDS, *_BAD_STRINGS, *_BAD_ARRAYS, *_BAD_OBJECTS, *_BAD_SPACES, *_COMMENTS]

_NUMBERS = _words("0 -0 1 -1 9 10 -10 1.0 0.5 -0.5 0.0 -0.0 1e5 1E5 1e+5 1E+5 1e-5 1E-5 0e1 0e+1 0e-1 1.5e3 0.1e1 "
                  "1e00 1e-00 1e+007 123456789012345678 "
                  "9223372036854775807 -9223372036854775808 1000000000000000000 0.1234567890123456789 "
                  "1.7976931348623157e308 2.2250738585072014e-308 "
                  "100000000000000000000e-20")
_STRINGS = [_quoted(inner) for inner in _words('a a\\"b a\\\\b a\\/b a/b \\b\\f\\n\\r\\t \\u0041 \\u00e9 \\u00E9 '
                                               '\\u20ac \\ud83d\\ude00 \\uD83D\\uDE00 \\u0001 \\u001f '
                                               '\\u007f \\u2028 \\\\u0041 \\\\\\\\ \\\\\\" é € 😀 日本語 <b>& \' [1,2] '
                                               '// /*a*/ null 1e400 \\u0022 \\u005c \\u002f')] + [b'""', b'" "', b'"  a  "', b'"{\\"a\\":1}"', b'"\x7f"', b'"\xe2\x80\xa8"',
                                        b'"' + b"x" * 5000 + b'"']
_ARRAYS = _words('[] [[]] [1] [1,2] [null] [true,false] [[],[]] [{}] ["a"] [[[[[]]]]] [1,"a",null,true,{},[]] '
                 '[0,-0,1e1]') + [
    b"[ ]", b"[\n]", b"[ 1 , 2 ]", b"[\t1\r\n,\n2\t]", b"[" + b",".join([b"1"] * 900) + b"]"]
_OBJECTS = _words('{} {"a":1} {"a":{}} {"a":[]} {"a":1,"b":2} {"a":{"a":{"a":1}}} {"a":null} {"A":1,"a":2} {"a":"a"} '
                  '{"\\u0061":1} {"é":1} {"1":1} '
                  '{"null":null} {"a.b":1} {"{}":1} {"a":1,"aa":2,"aaa":3}') + [
    b"{ }", b"{\n}", b'{ "a" : 1 }', b'{"a"\t:\r\n1\n,"b":2}', b'{" ":1}', b'{"":{"":{}}}']
VALID = [*_NUMBERS, *_STRINGS, *_ARRAYS, *_OBJECTS, b"true", b"false", b"null", b" 1", b"1 ", b"\t\r\n 1 \t\r\n"]

# A float that cannot be held is refused; what only loses digits is taken. Text must be well-formed Unicode without NUL, as
# escapes and as bytes; any other character is taken. One name has one value. 16 levels, with the request itself.
TAKEN, REFUSED = True, False
DISPUTED = {
    b"9223372036854775808": TAKEN, b"-9223372036854775809": TAKEN, b"18446744073709551615": TAKEN,
    b"18446744073709551616": TAKEN,
    b"1" * 100: TAKEN, b"1" * 400: REFUSED, b"-" + b"1" * 400: REFUSED, b"0." + b"1" * 400: TAKEN, b"1e308": TAKEN,
    b"1e309": REFUSED, b"-1e309": REFUSED,
    b"1e400": REFUSED, b"1e999999999": REFUSED, b"-1e999999999999": REFUSED, b"1e-400": TAKEN, b"1e-999999999": TAKEN,
    b"0.1e-400": TAKEN,
    b'"\\ud800"': REFUSED, b'"\\udc00"': REFUSED, b'"\\ude00\\ud83d"': REFUSED, b'"\\ud800\\ud800"': REFUSED,
    b'"\\ud83dx"': REFUSED,
    b'"\\ud83d\\n"': REFUSED, b'"\\ud83d\\u0041"': REFUSED, b'"a\\ud83d"': REFUSED, b'"\\uDFFF"': REFUSED,
    b'{"\\ud800":1}': REFUSED,
    b'"\\u0000"': REFUSED, b'"a\\u0000b"': REFUSED, b'{"\\u0000":1}': REFUSED,
    b'"\\ufffe"': TAKEN, b'"\\uffff"': TAKEN, b'"\\ufdd0"': TAKEN, b'"\\ud83f\\udffe"': TAKEN, b'"\xef\xbf\xbe"': TAKEN,
    b'"\xf0\x9f\xbf\xbe"': TAKEN,
    b'"\xf4\x8f\xbf\xbf"': TAKEN, b'"\\udbff\\udfff"': TAKEN, b'"\\ufeff"': TAKEN, b'"\xef\xbb\xbf"': TAKEN,
    b'"\\u202e"': TAKEN, b'"\xee\x80\x80"': TAKEN,
    b'"\xff"': REFUSED, b'"\xfe"': REFUSED, b'"\x80"': REFUSED, b'"\xc3"': REFUSED, b'"\xe2\x82"': REFUSED,
    b'"\xf0\x9f\x98"': REFUSED,
    b'"\xc0\xaf"': REFUSED, b'"\xe0\x80\xaf"': REFUSED, b'"\xf0\x80\x80\xaf"': REFUSED, b'"\xed\xa0\x80"': REFUSED,
    b'"\xed\xa0\xbd\xed\xb8\x80"': REFUSED, b'"\xf4\x90\x80\x80"': REFUSED, b'"\xf8\x88\x80\x80\x80"': REFUSED,
    b'"\xe9"': REFUSED, b'{"\xff":1}': REFUSED,
    b'{"a":1,"a":1}': REFUSED, b'{"a":1,"a":2}': REFUSED, b'{"a":1,"\\u0061":1}': REFUSED, b'{"":1,"":1}': REFUSED,
    b'{"a":1,"A":1}': TAKEN,
    b'{"\xc3\xa9":1,"e\xcc\x81":1}': TAKEN, b'{"__proto__":1}': TAKEN, b'{"":1}': TAKEN,
    b"[" * 15 + b"]" * 15: TAKEN, b"[" * 16 + b"]" * 16: REFUSED, b"[" * 500 + b"]" * 500: REFUSED,
    b'{"a":' * 15 + b"1" + b"}" * 15: TAKEN,
}
