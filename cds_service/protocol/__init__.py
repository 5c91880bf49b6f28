"""CDS Hooks 2.0 and 3.0 as typed messages: no medicine, no HTTP framework.

What comes in is :mod:`.request` (the envelope), :mod:`.context` (one model a hook) and
:mod:`.prefetch` (templates and their tokens); what goes out is :mod:`.card`,
:mod:`.discovery` and :mod:`.outcome`. The numbers in the tests are the requirements'.
"""
