"""Medians, ratios and bars as Markdown that also reads well on a terminal."""

from measure import median
from sections import SMALL_FILES

MIB = 1 << 20
GIB_CPU_RATIO_BAR = 2.0
ACCEPT_BAR = 8000
PEAK_BAR_MIB = 150
SMALL_BAR = 1000


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
    return text, [bar(f"at least {ACCEPT_BAR:,} durable calls/s", f"{median(rates):,.0f}", median(rates) >= ACCEPT_BAR)]


def large_part(rows):
    ours, curl = rows[0], rows[1]
    cells = []
    for row in rows:
        cells.append([f"{row.name}, {row.settings}",
                      with_spread([run.cpu_s for run in row.runs], ".3f"), ratio(row, curl, "cpu_s"),
                      with_spread([run.wall_s for run in row.runs], ".3f"), ratio(row, curl, "wall_s"),
                      f"{row.median('peak_bytes') / MIB:.0f}", f"{median(row.fixed_cpu_s):.3f}"])
    text = (f"## (b) One file of 1 GiB to the null sink\n\n{len(ours.runs)} interleaved runs after one to warm up.\n\n"
            + table(["client", "CPU s/GiB", "× curl", "wall s", "× curl", "peak MiB", "CPU s for 1 KiB"], cells))
    cpu_ratio = ours.median("cpu_s") / curl.median("cpu_s")
    peak = max(run.peak_bytes for run in ours.runs) / MIB
    return text, [bar(f"at most {GIB_CPU_RATIO_BAR:g}× the CPU of curl -T per GiB", f"{cpu_ratio:.2f}×",
                      cpu_ratio <= GIB_CPU_RATIO_BAR),
                  bar(f"peak memory below {PEAK_BAR_MIB} MiB during 1 GiB", f"{peak:.0f} MiB (largest)",
                      peak < PEAK_BAR_MIB)]


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
    return text, [bar(f"at least {SMALL_BAR:,} small files/s", f"{rate:,.0f}", rate >= SMALL_BAR)]


def whole(facts, parts):
    """facts: (name, value) pairs; parts: (text, bars) pairs."""
    bars = [b for _, some in parts for b in some]
    made_by = "Made by `./do bench`; [docs/benchmarks.md](../docs/benchmarks.md) says what each figure means."
    return "\n\n".join(["# Benchmark results", made_by, "\n".join(f"- {name}: {value}" for name, value in facts),
                        "## Bars", table(["bar", "measured", ""], bars), *[text for text, _ in parts]]) + "\n"
