"""Simulated collisions: Pythia 8, pileup, a parametrised CMS-like detector and FastJet jets.

The chain, one module per step: `processes` (what is generated) → `generator` (Pythia events) → `pileup` →
`tracker` → `calorimeter` → `particle_flow` → `clustering`, `jets` and `taggers` → `event` (all of it for a
batch; `fat_jets` for jet images, `dijets` for searches) → `production` (any number of events over processes,
resumable) → `validation` (plots and tables).

Pythia, FastJet and awkward are optional (`pip install "hepad[simulation]"`) and imported only when work
starts.
"""
