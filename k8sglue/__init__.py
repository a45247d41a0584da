"""LoadBalancer for bare-metal Kubernetes."""
