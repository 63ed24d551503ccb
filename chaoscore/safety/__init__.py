"""What keeps faults from outliving their run: permission to inject, the journal, undoing, and the watchdog."""
