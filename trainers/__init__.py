"""Programs for flows: `python -m trainers.train`, `.evaluate`, `.sample`, `.export` and others.

Here are the programs, below what they are made of; imports go one way, programs -> reports -> runs
-> datasets. `recipes/` holds the flags that the pretrained flows were trained with.
"""
