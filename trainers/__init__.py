"""Programs that train, evaluate, sample, export and publish the flows of `zoo`, on absl flags."""
