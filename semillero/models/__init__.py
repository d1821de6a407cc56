"""Base models: where they come from, how text becomes tokens, how loss is computed, how batches are filled.

Shared by judging, training and evaluation, so that all three see the same tokens and the same numbers. Importing this
package is light: torch and transformers are imported inside the functions that use them.
"""
