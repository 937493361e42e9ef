"""A self-checking Verilog test bench: golden spikes of every layer, classes and cycle counts in hex files."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardware.cycles import count
from hardware.integer import IntegerNetwork
from hardware.reference import run
from hardware.rtl.shape import bits_for
from hardware.simulate import input_words
from hardware.verilog import hex_words, module_name


@dataclass(frozen=True)
class Testbench:
    """Verilog text of the bench ``tb_NAME`` and the hex files it reads, by file name."""

    text: str
    files: dict[str, str]
    predicted: list[int]
    cycles: list[int]


def testbench(net: IntegerNetwork, name: str, inputs: NDArray[np.unsignedinteger]) -> Testbench:
    """Return a bench that runs ``inputs`` through module ``name`` and compares it with the integer reference.

    It prints one line with PASS or FAIL per sample, then ``RESULT PASS`` or ``RESULT FAIL``, and finishes.

    Raises:
        InputError: where ``name`` cannot name a module or ``inputs`` does not fit.
    """
    name = module_name(name)
    reference = run(net, inputs)
    total = count(net, reference, inputs).total
    words = [word for sample in input_words(net, inputs) for word in sample]
    files = {f"{name}_inputs.hex": hex_words(words, net.config.chunk_bits)}
    for index, spikes in enumerate(reference.spikes):
        vectors = [_pack(vector) for vector in spikes.reshape(-1, spikes.shape[2]).tolist()]
        files[f"{name}_golden_layer{index}.hex"] = hex_words(vectors, spikes.shape[2])
    predicted, cycles = reference.predicted.tolist(), total.tolist()
    results = [value for pair in zip(predicted, cycles, strict=True) for value in pair]
    files[f"{name}_golden_results.hex"] = hex_words(results, 32)
    return Testbench(_text(net, name, len(inputs), max(cycles)), files, predicted, cycles)


def _pack(bits: list[int]) -> int:
    return sum(bit << i for i, bit in enumerate(bits))


def _text(net: IntegerNetwork, name: str, samples: int, longest: int) -> str:
    layers = range(len(net.layers))
    address = bits_for(net.input_words - 1)
    return _BENCH.format(
        name=name,
        samples=samples,
        words=net.input_words,
        steps=net.time_steps,
        limit=2 * longest + 1000,
        data_top=net.config.chunk_bits - 1,
        address_top=address - 1,
        class_top=bits_for(net.classes - 1) - 1,
        half_ns=500.0 / net.config.clock_mhz,
        declarations="".join(_DECLARE.format(k=k, top=net.sizes[k + 1] - 1) for k in layers),
        connections="".join(
            f",\n        .layer{k}_spikes(spikes{k}), .layer{k}_strobe(strobe{k})" for k in layers
        ),
        reads="".join(f'        $readmemh("{name}_golden_layer{k}.hex", golden{k});\n' for k in layers),
        checks="".join(_CHECK.format(k=k) for k in layers),
        resets="".join(f" step{k} = 0;" for k in layers),
        complete=" && ".join(f"step{k} == STEPS" for k in layers),
    )


_DECLARE = """\
    wire [{top}:0] spikes{k};
    wire strobe{k};
    reg [{top}:0] golden{k} [0:SAMPLES*STEPS-1];
    integer step{k};
"""

_CHECK = """\
        if (strobe{k}) begin
            if (spikes{k} !== golden{k}[sample*STEPS + step{k}]) begin
                if (wrong == 0)
                    $display("sample %0d layer {k} step %0d: spikes %h, golden %h",
                             sample, step{k}, spikes{k}, golden{k}[sample*STEPS + step{k}]);
                wrong = wrong + 1;
            end
            step{k} = step{k} + 1;
        end
"""

_BENCH = """\
`timescale 1ns / 1ps
// Self-checking bench of {name}: run it in the folder that holds the hex files.
module tb_{name};
    localparam SAMPLES = {samples}, WORDS = {words}, STEPS = {steps}, LIMIT = {limit};
    reg clk = 0, rst = 1, start = 0, load = 0;
    reg [{address_top}:0] load_address = 0;
    reg [{data_top}:0] load_data = 0;
    wire ready, done;
    wire [{class_top}:0] class_out;
    wire [31:0] cycles;
    reg [{data_top}:0] inputs [0:SAMPLES*WORDS-1];
    reg [31:0] results [0:2*SAMPLES-1];
    integer sample, word, waited, wrong, failed;
{declarations}
    {name} dut (
        .clk(clk), .rst(rst), .start(start), .load(load), .load_address(load_address), .load_data(load_data),
        .ready(ready), .done(done), .class_out(class_out), .cycles(cycles){connections}
    );

    always #{half_ns} clk = ~clk;

    task tick;
        begin
            @(negedge clk);
            waited = waited + 1;
            if (waited > LIMIT) begin
                $display("sample %0d FAIL: not done after %0d cycles", sample, waited);
                $display("RESULT FAIL: timeout");
                $finish;
            end
        end
    endtask

    always @(negedge clk) if (!rst) begin
{checks}    end

    initial begin
        $readmemh("{name}_inputs.hex", inputs);
        $readmemh("{name}_golden_results.hex", results);
{reads}        failed = 0; sample = 0; wrong = 0; waited = 0;{resets}
        tick; tick;
        rst = 0;
        tick;
        while (ready !== 1'b1) tick;
        for (sample = 0; sample < SAMPLES; sample = sample + 1) begin
            wrong = 0;{resets}
            for (word = 0; word < WORDS; word = word + 1) begin
                load = 1; load_address = word; load_data = inputs[sample*WORDS + word];
                waited = 0; tick;
            end
            load = 0; start = 1; waited = 0; tick;
            start = 0; #0.001;
            while (done !== 1'b1) begin tick; #0.001; end
            if (class_out !== results[2*sample]) wrong = wrong + 1;
            if (cycles !== results[2*sample + 1]) wrong = wrong + 1;
            if (wrong == 0 && {complete})
                $display("sample %0d PASS: class %0d, %0d cycles", sample, class_out, cycles);
            else begin
                failed = failed + 1;
                $display("sample %0d FAIL: class %0d (golden %0d), %0d cycles (golden %0d), %0d differences",
                         sample, class_out, results[2*sample], cycles, results[2*sample + 1], wrong);
            end
        end
        if (failed == 0) $display("RESULT PASS: %0d samples", SAMPLES);
        else $display("RESULT FAIL: %0d of %0d samples", failed, SAMPLES);
        $finish;
    end
endmodule
"""
