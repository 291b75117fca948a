"""A scorer in whole numbers for an FPGA: a network folded and rounded, as hls4ml's project, what it costs and loses."""
