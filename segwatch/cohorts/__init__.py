"""A cohort: studies with measures, true Dice, patients and sets; read, measured, arranged, made."""
