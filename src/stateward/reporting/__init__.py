"""What people and programs are shown: plans, reports, exports. Pure: text in, text out."""
