"""Medians, ratios and bars as Markdown that also reads well on a terminal."""

from typing import NamedTuple

from measure import median
from sections import SMALL_FILES

MIB = 1 << 20
GIB_CPU_RATIO_BAR = 1.5
TLS_CPU_RATIO_BAR = 1.3
WALL_RATIO_BAR = 1.1
FAR_BAR = 5
ACCEPT_BAR = 14000
ACCEPT_P99_BAR_MS = 25
PEAK_BAR_MIB = 128
SMALL_BAR = 3000
SMALL_RCLONE_BAR = 2
SMALL_CPU_BAR_MS = 0.5
SCALE_BAR = 2
RESTART_BAR_S = 2
NEIGHBOUR_BAR = 2


# The clients of README.md's table: heading, then name and settings of the row that is measured.
README_CLIENTS = [("vodlift", None), ("curl -T", ("curl -T", "as it comes")), ("rclone, tuned", ("rclone", "tuned")),
                  ("aws s3 cp, tuned", ("aws s3 cp", "tuned"))]


class Part(NamedTuple):
    """What one part of the benchmark found. `figures`: for README.md, each a name and the figures of README_CLIENTS."""
    text: str
    bars: list
    figures: list = []


def table(header, rows):
    """Columns padded to equal width; the first to the left, the others to the right."""
    cells = [header, *rows]
    widths = [max(len(str(row[i])) for row in cells) for i in range(len(header))]

    def line(row):
        padded = [str(c).ljust(w) if i == 0 else str(c).rjust(w) for i, (c, w) in enumerate(zip(row, widths))]
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([line(header), rule, *map(line, rows)])


def with_spread(values, form):
    return f"{median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def ratio(row, reference, what):
    return f"{row.median(what) / reference.median(what):.2f}"


def bar(name, figure, met):
    return [name, figure, "met" if met else "**missed**"]


def figure(name, rows, form):
    """A row of README.md's table. `form` makes the text of a client's row; a client that was not measured has a dash."""
    ours, by_name = rows[0], {(row.name, row.settings): row for row in rows}
    found = [ours if known is None else by_name.get(known) for _, known in README_CLIENTS]
    return [name, *[form(row) if row else "–" for row in found]]


def accept_part(reports):
    rates = [r["accepted_per_s"] for r in reports]
    rows = [["accepted calls/s", with_spread(rates, ",.0f")]]
    rows += [[f"latency {name} ms", with_spread([r["latency_ms"][name] for r in reports], ".2f")]
             for name in ("p50", "p99", "max")]
    per_call = 1e6 / reports[0]["requests"]
    rows += [["server CPU µs/call", with_spread([r["server_cpu_s"] * per_call for r in reports], ".0f")],
             ["generator CPU µs/call", with_spread([r["generator_cpu_s"] * per_call for r in reports], ".0f")]]
    text = (f"## (a) Durable signed `aws.upload` calls\n\n{reports[0]['connections']} keep-alive connections, "
            f"{reports[0]['requests']:,} calls a run, {len(reports)} run(s), each on a fresh database; after each run "
            "`kill -9`, restart, and 1,000 accepted ids looked up and found.\n\n"
            + table(["", "median (min–max)"], rows))
    p99 = median([r["latency_ms"]["p99"] for r in reports])
    return Part(text, [bar(f"at least {ACCEPT_BAR:,} durable signed calls/s", f"{median(rates):,.0f}", median(rates) >= ACCEPT_BAR),
                       bar(f"p99 of these at most {ACCEPT_P99_BAR_MS} ms", f"{p99:.1f} ms", p99 <= ACCEPT_P99_BAR_MS)])


def client_table(rows):
    """Each row with its ratio to the second row."""
    reference = rows[1]
    cells = [[f"{row.name}, {row.settings}", with_spread([run.cpu_s for run in row.runs], ".3f"),
              ratio(row, reference, "cpu_s"), with_spread([run.wall_s for run in row.runs], ".3f"),
              ratio(row, reference, "wall_s"), f"{row.median('peak_bytes') / MIB:.0f}", f"{median(row.fixed_cpu_s):.3f}"]
             for row in rows]
    return table(["client", "CPU s/GiB", "× curl", "wall s", "× curl", "peak MiB", "CPU s for 1 KiB"], cells)


def large_part(rows):
    ours, curl = rows[0], rows[1]
    text = (f"## (b) One file of 1 GiB to the null sink\n\n{len(ours.runs)} interleaved runs after one to warm up.\n\n"
            + client_table(rows))
    cpu_ratio = ours.median("cpu_s") / curl.median("cpu_s")
    wall_ratio = ours.median("wall_s") / curl.median("wall_s")
    bars = [bar(f"at most {GIB_CPU_RATIO_BAR:g}× the CPU of curl -T per GiB", f"{cpu_ratio:.2f}×",
                cpu_ratio <= GIB_CPU_RATIO_BAR),
            bar(f"at most {WALL_RATIO_BAR:g}× the wall time of curl -T", f"{wall_ratio:.2f}×",
                wall_ratio <= WALL_RATIO_BAR)]
    return Part(text, bars, [figure("one file of 1 GiB: seconds", rows, lambda row: f"{row.median('wall_s'):.2f}"),
                             figure("the same: seconds of CPU", rows, lambda row: f"{row.median('cpu_s'):.2f}")])


def tls_part(rows):
    cpu_ratio = rows[0].median("cpu_s") / rows[1].median("cpu_s")
    text = (f"## (d) The same over TLS\n\n{len(rows[0].runs)} interleaved runs after one to warm up. stunnel before the sink "
            "takes its share of the cores, which shows in the wall time of both.\n\n" + client_table(rows))
    return Part(text, [bar(f"at most {TLS_CPU_RATIO_BAR:g}× the CPU of curl -T per GiB over TLS", f"{cpu_ratio:.2f}×",
                           cpu_ratio <= TLS_CPU_RATIO_BAR)])


def far_part(rows, delay_ms):
    faster = rows[1].median("wall_s") / rows[0].median("wall_s")
    text = (f"## (e) The same to a sink that answers {delay_ms} ms late\n\n{len(rows[0].runs)} interleaved runs after one to "
            "warm up; compared with a client that sends the parts one after the other over one connection.\n\n"
            + client_table(rows))
    return Part(text, [bar(f"at least {FAR_BAR:g}× faster than a serial client at {delay_ms} ms", f"{faster:.1f}×",
                           faster >= FAR_BAR)])


def memory_part(peaks, uploads, parts):
    largest = max(peaks) / MIB
    text = (f"## (f) Memory of {uploads} uploads of 1 GiB at once, {parts} parts of each being sent\n\n"
            + table(["", "median (min–max)"], [["peak MiB", with_spread([peak / MIB for peak in peaks], ".0f")]]))
    return Part(text, [bar(f"peak memory at most {PEAK_BAR_MIB} MiB with {uploads} uploads × {parts} parts",
                           f"{largest:.0f} MiB (largest)", largest <= PEAK_BAR_MIB)])


def scale_part(reports):
    few, many = sorted(reports)
    cells, bars = [], []
    for what in ("claim", "enqueue", "status"):
        def times(rows, name, what=what):
            return [one[what][name] for one in reports[rows]]

        ratio_of_p99 = median(times(many, "p99_ms")) / median(times(few, "p99_ms"))
        cells.append([what] + [with_spread(times(rows, name), ".3f") for name in ("p50_ms", "p99_ms") for rows in (few, many)]
                     + [f"{ratio_of_p99:.2f}"])
        bars.append(bar(f"p99 of {what} with {many:,} queued and as many ended at most {SCALE_BAR:g}× that with {few:,}",
                        f"{ratio_of_p99:.2f}×", ratio_of_p99 <= SCALE_BAR))
    text = (f"## (g) A long queue\n\nThe queue alone, in process; a claim takes 16, status asks for two. {len(reports[few])} "
            "runs of 500 rounds in turns.\n\n"
            + table(["ms", f"p50, {few:,} rows", f"p50, {many:,}", f"p99, {few:,}", f"p99, {many:,}", "× p99"], cells))
    return Part(text, bars)


def restart_part(times, rows):
    text = (f"## (h) Ready after `kill -9` with {rows:,} queued\n\nFrom the start of the process until it listens.\n\n"
            + table(["", "median (min–max)"], [["seconds", with_spread(times, ".2f")]]))
    return Part(text, [bar(f"listens within {RESTART_BAR_S} s with {rows:,} queued", f"{median(times):.2f} s",
                           median(times) <= RESTART_BAR_S)])


def neighbours_part(rounds):
    cells, bars = [], []
    for what in rounds[0]["alone"]:
        times = median([one["beside"][what]["p99"] / one["alone"][what]["p99"] for one in rounds])
        cells.append([what] + [with_spread([one[where][what][name] for one in rounds], ".1f")
                               for name in ("p50", "p99") for where in ("alone", "beside")] + [f"{times:.2f}"])
        bars.append(bar(f"p99 of an honest account's {what} beside a flood at most {NEIGHBOUR_BAR:g}× that alone",
                        f"{times:.2f}×", times <= NEIGHBOUR_BAR))
    text = (f"## (n) An honest account beside a hostile one\n\nFrom the honest account's call until its answer, until its object's "
            f"first bytes at the store, and until its callback. {len(rounds)} rounds, each on a fresh server.\n\n"
            + table(["ms", "p50 alone", "p50 beside", "p99 alone", "p99 beside", "× p99"], cells))
    return Part(text, bars)


def small_part(rows, generator_cpu_s):
    cells = []
    ours = rows[0]
    for row in rows:
        rates = [SMALL_FILES / run.wall_s for run in row.runs]
        cells.append([f"{row.name}, {row.settings}", len(row.runs), with_spread(rates, ",.0f"),
                      ratio(ours, row, "wall_s"),
                      with_spread([run.cpu_s * 1000 / SMALL_FILES for run in row.runs], ".3f"),
                      ratio(row, ours, "cpu_s"), f"{row.median('peak_bytes') / MIB:.0f}"])
    generator = median(generator_cpu_s) * 1000 / SMALL_FILES
    text = (f"## (c) {SMALL_FILES:,} files of 64 KiB, end to end\n\nvodlift: from the first signed call to the last "
            f"`completed`; the caller's own {generator:.3f} CPU ms/file are not in its figure.\n\n"
            + table(["client", "runs", "files/s", "speed ÷ ours", "CPU ms/file", "CPU ÷ ours", "peak MiB"], cells))
    rate = SMALL_FILES / ours.median("wall_s")
    cpu_ms = ours.median("cpu_s") * 1000 / SMALL_FILES

    def faster(row):
        return row.median("wall_s") / ours.median("wall_s")

    bars = [bar(f"at least {SMALL_BAR:,} small files/s, end to end", f"{rate:,.0f}", rate >= SMALL_BAR),
            *[bar(f"at least {SMALL_RCLONE_BAR:g}× rclone, {row.settings}", f"{faster(row):.2f}×",
                  faster(row) >= SMALL_RCLONE_BAR) for row in rows if row.name == "rclone"],
            bar(f"at most {SMALL_CPU_BAR_MS:g} ms CPU a small file", f"{cpu_ms:.3f} ms", cpu_ms <= SMALL_CPU_BAR_MS)]
    return Part(text, bars, [figure("files of 64 KiB: files a second", rows,
                                    lambda row: f"{SMALL_FILES / row.median('wall_s'):,.0f}")])


def bars_table(parts):
    return table(["bar", "measured", ""], [one for part in parts for one in part.bars])


def into_readme(readme, facts, parts):
    """README.md's text with the figures of vodlift and the other clients between its two marks."""
    begin, end = "<!-- bench -->\n", "<!-- /bench -->"
    before, rest = readme.split(begin)
    _, after = rest.split(end)
    known = dict(facts)
    figures = table(["", *[heading for heading, _ in README_CLIENTS]], [one for part in parts for one in part.figures])
    return f"{before}{begin}{figures}\n\n{known['machine']}; {known['date']}\n{end}{after}"


def whole(facts, parts):
    made_by = "Made by `./do bench`; [docs/benchmarks.md](../docs/benchmarks.md) says what each figure means."
    return "\n\n".join(["# Benchmark results", made_by, "\n".join(f"- {name}: {value}" for name, value in facts),
                        "## Bars", bars_table(parts), *[part.text for part in parts]]) + "\n"
