"""An accelerator as Verilog: one module and one hex file per weight memory."""

import io
import re
from dataclasses import dataclass

import pyrtl

from hardware.area import rom_in_blocks
from hardware.integer import IntegerNetwork
from hardware.resources import Memory
from hardware.rtl.accelerator import build
from hardware.rtl.lanes import weight_words
from spikefront.errors import InputError

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
KEYWORDS = """
    always and assign begin buf case casex casez deassign default defparam design disable edge else end
    endcase endfunction endmodule endtask event for force forever fork function if initial inout input integer
    join library module nand negedge nor not or output parameter posedge real realtime reg release repeat task
    time tri use wait wand while wire wor xnor xor
"""
BENCH_NAMES = """
    clk rst start load load_address load_data ready done class_out cycles inputs results sample word waited
    wrong failed tick dut SAMPLES WORDS STEPS LIMIT
"""
TAKEN = frozenset([*KEYWORDS.split(), *BENCH_NAMES.split()])
TAKEN_PREFIXES = ("layer", "tb_", "spikes", "strobe", "golden", "step")


@dataclass(frozen=True)
class VerilogDesign:
    """A module ``name`` and the files its memories are read from, by file name."""

    name: str
    module: str
    memories: dict[str, str]


def module_name(name: str) -> str:
    """Return ``name`` as a Verilog identifier: hyphens become underscores.

    Raises:
        InputError: where letters, digits, hyphen and underscore are not all there is to it.
    """
    cleaned = name.replace("-", "_")
    if not NAME.fullmatch(cleaned) or cleaned in TAKEN or cleaned.startswith(TAKEN_PREFIXES):
        raise InputError(
            f"The design name {name!r} cannot name a Verilog module; use a letter, then up to 63 letters, "
            "digits, '-' or '_', and no word that Verilog or the test bench uses."
        )
    return cleaned


def verilog(net: IntegerNetwork, name: str) -> VerilogDesign:
    """Return the accelerator of ``net`` as a module ``name`` with clock ``clk`` and synchronous reset
    ``rst``.

    No register has an initial value: with one, synthesisers do not fold address registers into block RAM.

    Raises:
        InputError: where ``name`` cannot name a module.
    """
    name = module_name(name)
    text = io.StringIO()
    pyrtl.output_to_verilog(text, add_reset=True, block=build(net), module_name=name)
    module = _renumbered(_without_header(text.getvalue()))
    memories = {}
    for index, layer in enumerate(net.layers):
        memory, lanes = f"layer{index}_weights", net.lanes[index]
        words = weight_words(layer.rows, lanes, net.config.weight_bits)
        file = f"{name}_{memory}.hex"
        memories[file] = hex_words(words, lanes * net.config.weight_bits)
        module = _read_from_file(module, memory, file, len(words))
    return VerilogDesign(name, module, memories)


def hex_words(words: list[int], bits: int) -> str:
    """Return ``words`` of ``bits`` bits as ``$readmemh`` reads them, one per line."""
    digits = -(-bits // 4)
    return "".join(f"{word:0{digits}x}\n" for word in words)


def _without_header(text: str) -> str:
    return text[text.index("module ") :]


def _renumbered(module: str) -> str:
    """Number unnamed wires and constants from 0: PyRTL counts on through all blocks, but equal designs are
    equal text.
    """
    names: dict[str, str] = {}

    def name(found: re.Match[str]) -> str:
        return names.setdefault(found[0], f"{found[1]}{len(names)}")

    return re.sub(r"\b(tmp|const_)\d+", name, module)


def _read_from_file(module: str, memory: str, file: str, depth: int) -> str:
    """Replace the assignments that fill ``memory`` by ``$readmemh``, and its size by its ``depth``."""
    declaration = re.compile(rf"    reg(\[\d+:0\])? {memory}\[(\d+):0\];")
    found = declaration.search(module)
    contents = re.compile(rf"    initial begin\n(?:        {memory}\[\d+\] = \d+'h[0-9a-f]+;\n)+    end\n")
    if not found or len(contents.findall(module)) != 1:
        raise AssertionError(f"PyRTL wrote {memory} in a way that this version does not know")
    width = found.group(1) or ""
    bits = int(width[1:-3]) + 1 if width else 1
    style = '(* rom_style = "block" *) ' if rom_in_blocks(Memory(depth, bits)) else ""
    module = contents.sub(f'    initial $readmemh("{file}", {memory});\n', module)
    return declaration.sub(f"    {style}reg{width} {memory}[0:{depth - 1}];", module)
