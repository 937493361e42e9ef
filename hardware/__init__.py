"""What a trained network costs on an accelerator, and its Verilog."""
