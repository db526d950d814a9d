"""What users of py-bpmn import into their own projects, and where its command begins."""
