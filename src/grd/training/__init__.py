"""Samples → models: teachers, undistilled students, and groups of students that share a teacher."""
