"""The event-driven accelerator in PyRTL: ``hardware.rtl.accelerator.build`` puts it together."""
