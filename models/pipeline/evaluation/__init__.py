"""What the models are worth: every table and picture of models/evaluation, from the artifacts and the corpus."""
