"""A whole population through the evaluation: an export in, one row a patient who needs a look out.

    find → (read, sort to patients, spill)  → (evaluate, one row a patient) → write
           in parallel, piece by piece         in parallel, patient by patient

Memory does not grow with the export: an export by type is first sorted into files of some
patients each. ``local`` does it on one machine and can be interrupted, ``spark`` on many.
"""
