"""What an operator must be told of: conditions over facts, and the ways of telling that work when mail does not."""
