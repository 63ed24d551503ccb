"""Network faults in chaoscore scenarios, through an embedded proxy that speaks Toxiproxy's API, or a real one."""
