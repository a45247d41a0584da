"""The lab: a small data centre in network namespaces, where the programs do their real job on a bare machine.

                     client      newcomer
                        │            │               LAN 10.211.55.0/24
        ┌───────────────┼────────────┼──┬──────────────┬──────────────┐
        │                               │              │              │
      router ── client2              node-a         node-b         node-c
      (BIRD)    192.0.2.10           speaker        speaker        speaker
                                     proxy          proxy          proxy
                                        │              │              │
      control-plane                   pod-a          pod-b          pod-c
      (controller)                   (nginx)        (nginx)        (nginx)

Every name above is a network namespace, every name in brackets a process of its own. The controller and the
speakers are the very programs that a cluster runs; a directory of manifests takes the place of the API server.
Two things are stand-ins: the proxy, which rewrites packets as kube-proxy would, and the manifests of endpoints
and nodes, which Kubernetes would write.

Files, in reading order: topology (what there is), namespaces, processes and interrupts (how it is made and
unmade), state (what is remembered in files), daemons (BIRD and nginx), manifests, lab (all of it together),
screen and walkthrough (what is shown), commands (the command line). The small programs that the lab runs inside
its namespaces are rules and proxy, probe, whohas and web.
"""
