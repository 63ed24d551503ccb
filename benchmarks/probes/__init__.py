"""
Programs that measure, each in a process of its own: ``python -m benchmarks.probes.NAME PARAMETER=VALUE ...``

Each prints one JSON object that maps what was measured to seconds or bytes. Those about others' libraries run in the
references' environment, where chaoscore is not installed.
"""
