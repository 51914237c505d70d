"""The audit log: a Merkle tree of leaves without anything personal, its proofs and receipts."""
