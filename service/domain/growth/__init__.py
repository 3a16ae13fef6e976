"""How a child grows: z-scores against WHO's standards, and the Chinese cut-offs of school age."""
