"""The results as a page of Markdown."""

import statistics

from rows import AVX2, MEMORY_GOALS, STEPS, TABLE, growth


def speeds(runs):
    return [run["examples_per_s"] for run in runs]


def median(runs, key="examples_per_s"):
    return statistics.median(run[key] for run in runs)


def number(value):
    digits = 0 if value >= 1000 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def cell(runs, mode):
    """Median and range: examples a second, or milliseconds of a first prediction."""
    if not runs:
        return ""
    values = [r["ms_per_example"] for r in runs] if mode == "first" else speeds(runs)
    unit = " ms" if mode == "first" else ""
    middle, least, most = (number(f(values)) for f in (statistics.median, min, max))
    return f"{middle}{unit} ({least} to {most})"


def fastest_peer(runs):
    peers = [name for name in runs if name != "nin"]
    return max(peers, key=lambda name: median(runs[name]), default=None)


def ratio(runs):
    """nin's median speed to that of the fastest peer; None where one of them is missing."""
    best = fastest_peer(runs)
    if not best or not runs.get("nin"):
        return None
    return median(runs["nin"]) / median(runs[best])


def done(store, rows):
    return [(row, store.runs(row)) for row in rows if store.runs(row)]


def names_of(measured):
    """Contestants in the order of their first appearance, nin first."""
    names = dict.fromkeys(name for _, runs in measured for name in runs)
    return sorted(names, key=lambda name: name != "nin")


def speed_table(store, rows):
    measured = done(store, rows)
    names = names_of(measured)
    yield "| work | " + " | ".join(names) + " | ratio to the fastest peer | goal |"
    yield "|---|" + "---:|" * (len(names) + 2)
    for row, runs in measured:
        best = fastest_peer(runs)
        cells = [f"**{cell(runs[name], row.mode)}**" if name == best
                 else cell(runs.get(name), row.mode) for name in names]
        times = ratio(runs)
        told = f"{times:.2f}" if times else ""
        goal = f"{row.goal:g}" if row.goal else ""
        yield f"| {row.title} | " + " | ".join(cells) + f" | {told} | {goal} |"


def memory_table(store):
    yield "| work | nin | PyTorch | part | goal |"
    yield "|---|---:|---:|---:|---:|"
    for row, runs in done(store, TABLE):
        if row.mode != "train" or not {"nin", "PyTorch"} <= runs.keys():
            continue
        ours, theirs = (median(runs[name], "peak_rss_bytes") for name in ("nin", "PyTorch"))
        goal = MEMORY_GOALS.get(row.name, "")
        yield (f"| {row.title} | {ours / 1e6:,.0f} MB | {theirs / 1e6:,.0f} MB | "
               f"{ours / theirs:.2f} | {goal} |")


def growth_table(store, curve):
    yield "| | nin ms | PyTorch ms | nin MB | PyTorch MB |"
    yield "|---:|---:|---:|---:|---:|"
    for x, row in curve:
        runs = store.runs(row)
        if {"nin", "PyTorch"} <= runs.keys():
            both = [runs[name] for name in ("nin", "PyTorch")]
            cells = [number(median(r, "ms_per_example")) for r in both]
            cells += [f"{median(r, 'peak_rss_bytes') / 1e6:,.0f}" for r in both]
            yield f"| {x} | " + " | ".join(cells) + " |"


def pass_cells(step, name, peak):
    part = step[name]
    if not part:
        return ["", ""]
    speed = f"{part['gflops']:,.0f} ({part['gflops'] / peak:.0%})" if part["gflops"] else ""
    return [f"{part['ms']:.2f}", speed]


def steps_table(run):
    yield ("| layers | algorithm | forward ms | GFLOP/s (of peak) | input gradient ms | GFLOP/s "
           "| weight gradient ms | GFLOP/s | share |")
    yield "|---|---|" + "---:|" * 7
    for step in run["plan"]:
        cells = [step["layers"], step["algorithm"]]
        for name in ("forward", "input_gradient", "weight_gradient"):
            cells += pass_cells(step, name, run["peak_gflops"])
        yield "| " + " | ".join(cells) + f" | {step['share']:.1%} |"


def steps_section(about):
    yield "## Where the time goes"
    yield ""
    yield ("Each step of nin's plan, timed by `nin bench --steps`. GFLOP/s count direct computation, "
           "whatever the algorithm does, beside the multiply-adds that the processor's registers "
           "alone reach: transforms save multiplications and may pass 100 %. Input gradients are "
           "what a backward pass takes beyond the weight gradient by itself.")
    for row in STEPS:
        run = about["steps"].get(row.name)
        if run:
            yield ""
            yield (f"{row.title}: {number(run['examples_per_s'])} examples/s; peak "
                   f"{run['peak_gflops']:,.0f} GFLOP/s on {run['threads']} threads; "
                   f"{run['other_ms']:.2f} ms a step are spent between the steps.")
            yield ""
            yield from steps_table(run)


def growth_section(store, threads):
    yield "## Growth"
    yield ""
    rows = [row for curve in growth(threads).values() for _, row in curve]
    yield ("NiN, time an example and peak memory, with the batch, with the size of the pictures "
           f"and with threads (both at batch 32): medians of at least {store.rounds(rows)} rounds. "
           "The picture is growth.png.")
    for (grows, mode), curve in growth(threads).items():
        table = list(growth_table(store, curve))
        if len(table) > 2:
            yield ""
            yield f"{mode}, by {grows}:"
            yield ""
            yield from table


def versions(store):
    found = {run["version"] for run in store.data["runs"] if "version" in run}
    return ", ".join(sorted(found - {"nin"}))


def page(store):
    about = store.about
    yield "# nin beside its peers"
    yield ""
    yield (f"{about['date']}; {about['machine']}; {about['threads']} threads. nin "
           f"{about['commit']}, {about['built']}, on {about['isa']}; {versions(store)}. PyTorch in "
           "channels_last with an allocator that keeps its pages; ONNX Runtime and OpenVINO with "
           "all their optimisations. Examples a second: the median of "
           f"{about['rounds']} interleaved rounds of {about['seconds']} s each, and their range; "
           "the fastest peer is bold.")
    yield ""
    yield from ("    " + command for command in about["commands"])
    yield ""
    yield from speed_table(store, TABLE)
    if done(store, TABLE):
        yield ""
        yield "Peak memory in training, of the whole process:"
        yield ""
        yield from memory_table(store)
    if done(store, AVX2):
        yield ""
        yield "## With AVX2 only"
        yield ""
        yield ("nin with `--isa avx2`, PyTorch with `ONEDNN_MAX_CPU_ISA=AVX2` and "
               "`ATEN_CPU_CAPABILITY=avx2`. ONNX Runtime and OpenVINO have no such switch and are "
               f"left out. Medians of at least {store.rounds(AVX2)} rounds.")
        yield ""
        yield from speed_table(store, AVX2)
    if about["steps"]:
        yield ""
        yield from steps_section(about)
    if any(done(store, [row for _, row in curve]) for curve in growth(about["threads"]).values()):
        yield ""
        yield from growth_section(store, about["threads"])
