"""The lab: a small data centre in network namespaces, where the programs do their real job on a bare machine.

                     client      newcomer            LAN 10.211.55.0/24
                        │            │                   fd10:211:55::/64
        ┌───────────────┼────────────┼──┬──────────────┬──────────────┐
        │                               │              │              │
      router ── client2              node-a         node-b         node-c
      (BIRD)                         speaker        speaker        speaker
                                     proxy          proxy          proxy
                                        │              │              │
      control-plane                   pod-a          pod-b          pod-c
      (controller)                   (nginx)        (nginx)        (nginx)

Every name above is a network namespace, every name in brackets a process of its own; every interface has both IPv4
and IPv6. The controller and the speakers are the very programs that a cluster runs; a directory of manifests takes
the place of the API server. Two things are stand-ins: the proxy, which rewrites packets as kube-proxy would, and the
manifests of endpoints and nodes, which Kubernetes would write.

Files, in reading order: topology (what there is), interrupts, processes and namespaces (how it is made and
unmade), state (what is remembered in files), daemons (BIRD and nginx), manifests, lab (all of it together),
observe (what can be seen of it), walkthrough with outage and screen (what is shown), serving and status (a lab to
play in), commands (the command line). The small programs that run inside the namespaces are proxy with its rules,
probe, whohas and web.
"""
