<?php
// What PHP makes of arrays, for test_php_oracle.py. Bytes are in hex.
// generate SEED COUNT: random arrays. Out: the serialize() of each, a space, its json_encode() or `!`; one line each
// reread: In: a serialized text a line. Out: serialize(unserialize()) of it, or `-`; one line each
// json: In: JSON text a line. Out: serialize(json_decode($text, true)) of it; one line each
// text: In: JSON text of a scalar a line. Out: what PHP prints for it; one line each

function text(): string {
    $letters = array('a', 'Z', '0', '5', '-', ' ', '/', '"', '\\', ';', '}', '{', ':', "\n", "\r", "\t", "\x08", "\x0c", "\x01", "\x1f",
        "\x7f", '<', '&', "'", 'é', "\u{80}", "\u{7ff}", "\u{800}", '€', "\u{2028}", "\u{feff}", "\u{fffe}", "\u{d7ff}", "\u{e000}",
        "\u{10000}", '😀', "\u{10ffff}", 's:1:"', "\0");
    $broken = array("\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xf0\x9f\x98", "\x80");
    $text = '';
    for ($i = mt_rand(0, 8); $i > 0; --$i) {
        $text .= $letters[mt_rand(0, count($letters) - 1)];
    }
    return mt_rand(0, 150) === 0 ? $text . $broken[mt_rand(0, count($broken) - 1)] : $text;
}

function whole(): int {
    $edges = array(0, 1, -1, 9, 10, PHP_INT_MAX, PHP_INT_MIN, PHP_INT_MIN + 1, 1700000000, 2147483648, -2147483649);
    return mt_rand(0, 1) ? $edges[mt_rand(0, count($edges) - 1)] : mt_rand(-1000000, 1000000) * mt_rand(1, 1000000);
}

function real(): float {
    switch (mt_rand(0, 5)) {
        case 0:
            return mt_rand(-1000000, 1000000) / 1000;
        case 1:
            return mt_rand(1, 9) * 10.0 ** mt_rand(-12, 25);
        case 2:
            return (float) mt_rand(-1000, 1000);
        case 3:
            $edges = array(0.0, -0.0, 0.1, 1e15, 1e16, 1e17, 1e18, 0.0001, 0.00001, PHP_FLOAT_MAX, PHP_FLOAT_MIN, 5e-324,
                9007199254740993.0, 2.0 ** 63, -(2.0 ** 63), 99999999999999999.0, 0.30000000000000004);
            return $edges[mt_rand(0, count($edges) - 1)];
        default:
            do {
                $bits = unpack('d', pack('V2', mt_rand(0, 0x7fffffff) * 2 + mt_rand(0, 1), mt_rand(0, 0x7fffffff) * 2 + mt_rand(0, 1)))[1];
            } while (!is_finite($bits));
            return $bits;
    }
}

function name(): int|string {
    $names = array('', '0', '5', '-5', '05', '-0', '1.5', '9223372036854775807', '9223372036854775808', '-9223372036854775808',
        '-9223372036854775809', 'true', 'signature', 'command');
    switch (mt_rand(0, 3)) {
        case 0:
            return whole();
        case 1:
            return $names[mt_rand(0, count($names) - 1)];
        case 2:
            return text();
        default:
            return mt_rand(-2, 12);
    }
}

function value(int $depth): mixed {
    switch (mt_rand(0, $depth > 0 ? 8 : 6)) {
        case 0:
            return null;
        case 1:
            return (bool) mt_rand(0, 1);
        case 2:
            return whole();
        case 3:
        case 4:
            return real();
        case 5:
        case 6:
            return text();
        default:
            return table($depth - 1);
    }
}

function table(int $depth): array {
    $table = array();
    $list = mt_rand(0, 2) === 0;
    for ($i = mt_rand(0, 6); $i > 0; --$i) {
        if ($list) {
            $table[] = value($depth);
        } else {
            $table[name()] = value($depth);
        }
    }
    return $table;
}

function each_line(callable $work): void {
    while (($line = fgets(STDIN)) !== false) {
        echo $work(hex2bin(trim($line))), "\n";
    }
}

set_error_handler(fn () => true);
if ($argv[1] === 'generate') {
    mt_srand((int) $argv[2]);
    for ($i = (int) $argv[3]; $i > 0; --$i) {
        $table = table(mt_rand(0, 15));
        $json = json_encode($table);
        echo bin2hex(serialize($table)), ' ', $json === false ? '!' : bin2hex($json), "\n";
    }
} elseif ($argv[1] === 'reread') {
    each_line(function (string $text): string {
        $value = unserialize($text, array('allowed_classes' => false));
        return $value === false && $text !== 'b:0;' ? '-' : bin2hex(serialize($value));
    });
} elseif ($argv[1] === 'text') {
    each_line(fn (string $text): string => bin2hex((string) json_decode($text, true, 512, JSON_THROW_ON_ERROR)));
} else {
    each_line(fn (string $text): string => bin2hex(serialize(json_decode($text, true, 512, JSON_THROW_ON_ERROR))));
}
