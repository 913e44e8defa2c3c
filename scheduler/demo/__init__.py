"""The whole job on a local mirror of ten weeks of real figures with six planted faults."""
