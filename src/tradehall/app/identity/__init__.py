"""Identity: people, how they prove who they are, and what happens when they may no longer."""
