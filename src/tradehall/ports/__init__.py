"""What the app asks of the world: protocols, and the records that cross them."""
