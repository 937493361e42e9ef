"""The README of an exported design: how to run it, its ports, its numbers."""

from collections.abc import Sequence

from hardware.cost import DesignCost
from hardware.devices import RESOURCES, WORDS, Device, area_on
from hardware.integer import IntegerNetwork
from hardware.resources import resources
from hardware.rtl.shape import bits_for
from hardware.verilog_run import commands

_READOUTS = {
    "count": "class with most output spikes",
    "first_spike": "class of the first output spike",
    "max_membrane": "class with the highest membrane potential in any step",
}


def page(
    net: IntegerNetwork,
    name: str,
    cost: DesignCost,
    samples: int,
    files: Sequence[str],
    *,
    target: Device | None = None,
) -> str:
    """Return the Markdown page of the design ``name``, for ``target``, whose folder holds ``files``."""
    sections = [
        _head(net, name, samples),
        _commands(name),
        _ports(net),
        _use(net),
        _network(net),
        _cost(cost),
        *([_device(net, name, target)] if target else []),
        "## Files\n\n" + "\n".join(f"- `{file}`" for file in files),
        "`manifest.json` holds the same numbers for programs, and the SHA-256 of every file.",
    ]
    return "\n\n".join(sections) + "\n"


def _head(net: IntegerNetwork, name: str, samples: int) -> str:
    shape = "-".join(map(str, net.sizes))
    family = {"event_driven": "An event-driven", "clock_driven": "A clock-driven"}[net.config.family]
    return (
        f"# {name}\n\n{family} accelerator for the spiking network {shape}, {net.time_steps} time "
        f"steps, {net.encoding} encoding, exported by Spikefront. Before export the circuit was simulated on "
        f"{samples} samples: the spikes of every layer, the classes and the clock cycles equal the integer "
        "reference."
    )


def _commands(name: str) -> str:
    return (
        "## Run it\n\nIn this folder, with Icarus Verilog (PASS or FAIL per sample, then `RESULT`):\n\n"
        f"{_block(commands('icarus', name))}\n\nWith Verilator 5, for many samples:\n\n"
        f"{_block(commands('verilator', name))}\n\n"
        "With Yosys, for the resources of a Xilinx 7-series device:\n\n"
        f'```\nyosys -p "read_verilog {name}.v; synth_xilinx -family xc7 -flatten -top {name}; stat"\n```\n\n'
        "The module reads its weight memories with `$readmemh` from the working directory."
    )


def _block(lines: list[list[str]]) -> str:
    return "```\n" + "\n".join(" ".join(line) for line in lines) + "\n```"


def _device(net: IntegerNetwork, name: str, target: Device) -> str:
    used = area_on(target, resources(net))
    rows = [
        (WORDS[resource], f"{getattr(used, resource):g}", f"{getattr(target, resource):g}")
        for resource in RESOURCES
    ]
    return (
        f"## Device\n\n{target.board} ({target.part}), budgets by {target.source}.\n\n"
        + _table(("resource", "estimated", "available"), rows)
        + "\n\nThe estimate's error against synthesis is in Spikefront's `docs/area.md`. Build it:\n\n"
        + _block(_build(net, name, target))
        + "\n\nThe constraint file says what is left to fill in."
    )


def _build(net: IntegerNetwork, name: str, target: Device) -> list[list[str]]:
    if target.fabric == "xc7":
        vivado = f"read_verilog {name}.v; read_xdc {name}_{target.name}.xdc; synth_design -part {target.part}"
        return [["# in Vivado's Tcl console"], [f"{vivado} -top {name}; opt_design; report_utilization"]]
    route = f"nextpnr-ice40 --hx8k --package ct256 --freq {net.config.clock_mhz:g}"
    return [
        [f'yosys -p "read_verilog {name}.v; synth_ice40 -top {name} -json {name}.json"'],
        [f"{route} --json {name}.json --pcf {name}_{target.name}.pcf --asc {name}.asc"],
        [f"icetime -d hx8k -t {name}.asc"],
    ]


def _ports(net: IntegerNetwork) -> str:
    rows = [
        ("clk", "in", 1, "clock"),
        ("rst", "in", 1, "synchronous reset, needed once after power-up"),
        ("load", "in", 1, "write `load_data` into the input memory, only while `ready`"),
        ("load_address", "in", bits_for(net.input_words - 1), f"word 0..{net.input_words - 1}"),
        ("load_data", "in", net.config.chunk_bits, "one word of the input"),
        ("start", "in", 1, "begin an inference; ignored unless `ready`"),
        ("ready", "out", 1, "idle"),
        ("done", "out", 1, "the result is valid, until the next start"),
        (
            "class_out",
            "out",
            bits_for(net.classes - 1),
            _READOUTS[net.readout] + ", the lowest on ties",
        ),
        ("cycles", "out", 32, "clock cycles from start to done"),
    ]
    for k, n in enumerate(net.sizes[1:]):
        rows.append(
            (f"layer{k}_spikes", "out", n, f"spikes of layer {k} in one time step, neuron 0 in bit 0")
        )
        rows.append((f"layer{k}_strobe", "out", 1, f"`layer{k}_spikes` is a new time step's"))
    return "## Ports\n\n" + _table(("port", "direction", "bits", "meaning"), rows)


def _use(net: IntegerNetwork) -> str:
    width, chunks = net.config.chunk_bits, net.chunks[0]
    vector = "bit plane (least significant first)" if net.direct else "time step"
    return (
        f"## Use it\n\nHold `rst` for a clock edge and wait for `ready`. Write {net.input_words} words: word "
        f"`v * {chunks} + c` holds inputs {width} * c and up of {vector} v, lowest in bit 0, unused bits "
        "zero. Raise `start` for one cycle and wait for `done`. The input memory keeps its content. The "
        "`layer` ports are for observation: left unconnected they cost nothing."
    )


def _network(net: IntegerNetwork) -> str:
    rows = [
        (
            k,
            layer.n_in,
            layer.n_out,
            net.lanes[k],
            layer.threshold,
            layer.leak,
            f"{layer.beta:.5g}",
            layer.reset,
            layer.accumulator_bits,
        )
        for k, layer in enumerate(net.layers)
    ]
    head = ("layer", "inputs", "neurons", "lanes", "threshold", "leak", "beta", "reset", "accumulator bits")
    config = net.config
    leak = f"`(m * leak) >> {config.leak_bits}`" if config.leak == "multiply" else "`m - (m >> leak)`"
    return (
        "## Network\n\n"
        + _table(head, rows)
        + f"\n\nWeights have {config.weight_bits} bits, membrane potentials "
        f"{config.membrane_bits}, saturating once per time step. The leak is {leak}, rounded down."
    )


def _cost(cost: DesignCost) -> str:
    rows = [
        ("accuracy of the integer network", f"{cost.accuracy:.4f} on {cost.samples} samples"),
        ("latency, mean / 99th percentile", f"{cost.latency_us:.2f} / {cost.latency_us_p99:.2f} us"),
        ("clock cycles, mean (exact)", f"{cost.cycles:.1f}"),
        ("cycles to load one input, not in the latency", str(cost.load_cycles)),
        (f"energy, model {cost.energy_model}", f"{cost.energy_uj:.4g} uJ per inference"),
        ("of it from assumed coefficients", f"{100 * cost.energy_assumed_share:.0f} %"),
        ("area (estimate)", f"{cost.luts} LUT, {cost.ffs} FF, {cost.bram36:g} BRAM36, {cost.dsps} DSP"),
        ("input and layer spikes per inference", ", ".join(f"{s:.1f}" for s in cost.spikes_per_layer)),
        ("busy cycles per layer", ", ".join(f"{c:.1f}" for c in cost.cycles_per_layer)),
    ]
    energies = [(part, f"{uj:.4g} uJ") for part, uj in cost.energy_by_part_uj.items()]
    return "## Cost\n\n" + _table(("measure", "value"), rows) + "\n\n" + _table(("energy", ""), energies)


def _table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
