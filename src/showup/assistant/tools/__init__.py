"""The functions behind the tools: Cal.com's, the pipeline's reads, and the changes that wait for a person."""
