"""What a team's people do with its submissions, and what they may see of them."""
