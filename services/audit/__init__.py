"""The audit: its chain, its entries, its verification and its export."""
