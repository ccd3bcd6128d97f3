"""`make test-compose`: Dockerfile and docker-compose.yaml, unchanged, built and run by podman; see docs/production.md.

Not part of `make test`: it needs root and Debian's or Ubuntu's packages, and takes half an hour.
"""
