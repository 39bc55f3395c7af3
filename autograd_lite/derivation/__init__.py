"""From a recorded tape to the derivation that a person would write: `deriving.derive`."""
