"""What a cluster needs to run k8sglue: `k8sglue manifests | kubectl apply -f -`.

The rights are the least that the programs get by with: tests compare them, in both directions, with what the
programs ask of an API server. Lists and watches of the ConfigMap name it, so the rule can name it too.

The Deployment and the DaemonSet bear the names that MetalLB gives its own, with another selector. The two should not
run side by side; where MetalLB's are still there, an API server refuses ours until they are deleted. Addresses
in use stay where they are meanwhile: they stand in the status of the Services.
"""

from k8sglue.kinds import CUSTOM_KINDS
from k8sglue.leadership import LEASE_NAME

IMAGE = "k8sglue:latest"
"""No image is published: this is a name for one that you build yourself, and that your nodes can pull."""

CONFIG = "config"


def render(namespace: str = "metallb-system", image: str = IMAGE) -> str:
    """Return the manifests as YAML documents, in an order in which they can be applied."""
    custom = ", ".join(kind.plural for kind in CUSTOM_KINDS)
    return _MANIFESTS.format(namespace=namespace, image=image, config=CONFIG, lease=LEASE_NAME, custom=custom)


_MANIFESTS = """\
apiVersion: v1
kind: Namespace
metadata:
  name: {namespace}
  labels:
    # The speaker uses the network of its node and raw sockets.
    pod-security.kubernetes.io/enforce: privileged
    pod-security.kubernetes.io/audit: privileged
    pod-security.kubernetes.io/warn: privileged
---
apiVersion: v1
kind: ServiceAccount
metadata:
  namespace: {namespace}
  name: controller
  labels:
    app.kubernetes.io/name: k8sglue
---
apiVersion: v1
kind: ServiceAccount
metadata:
  namespace: {namespace}
  name: speaker
  labels:
    app.kubernetes.io/name: k8sglue
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: k8sglue:controller
  labels:
    app.kubernetes.io/name: k8sglue
rules:
- apiGroups: [""]
  resources: [services]
  # A Service whose status could not be written because it had changed is read again.
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [namespaces]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [services/status]
  verbs: [patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: k8sglue:speaker
  labels:
    app.kubernetes.io/name: k8sglue
rules:
- apiGroups: [""]
  resources: [services, nodes]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: k8sglue:controller
  labels:
    app.kubernetes.io/name: k8sglue
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: k8sglue:controller
subjects:
- kind: ServiceAccount
  namespace: {namespace}
  name: controller
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: k8sglue:speaker
  labels:
    app.kubernetes.io/name: k8sglue
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: k8sglue:speaker
subjects:
- kind: ServiceAccount
  namespace: {namespace}
  name: speaker
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  namespace: {namespace}
  name: k8sglue:config
  labels:
    app.kubernetes.io/name: k8sglue
rules:
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{config}]
  verbs: [list, watch]
- apiGroups: [""]
  # Passwords of BGP peers.
  resources: [secrets]
  verbs: [list, watch]
- apiGroups: [metallb.io]
  resources: [{custom}]
  verbs: [list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  namespace: {namespace}
  name: k8sglue:heartbeats
  labels:
    app.kubernetes.io/name: k8sglue
rules:
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [list, watch, create, patch, delete]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  namespace: {namespace}
  name: k8sglue:leader
  labels:
    app.kubernetes.io/name: k8sglue
rules:
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{lease}]
  verbs: [get, list, watch, patch]
- apiGroups: [metallb.io]
  resources: [ipaddresspools/status]
  verbs: [patch]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  # What is created has no name yet that a rule could go by.
  verbs: [create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  namespace: {namespace}
  name: k8sglue:leader
  labels:
    app.kubernetes.io/name: k8sglue
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: k8sglue:leader
subjects:
- kind: ServiceAccount
  namespace: {namespace}
  name: controller
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  namespace: {namespace}
  name: k8sglue:config
  labels:
    app.kubernetes.io/name: k8sglue
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: k8sglue:config
subjects:
- kind: ServiceAccount
  namespace: {namespace}
  name: controller
- kind: ServiceAccount
  namespace: {namespace}
  name: speaker
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  namespace: {namespace}
  name: k8sglue:heartbeats
  labels:
    app.kubernetes.io/name: k8sglue
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: k8sglue:heartbeats
subjects:
- kind: ServiceAccount
  namespace: {namespace}
  name: speaker
---
apiVersion: apps/v1
kind: Deployment
metadata:
  namespace: {namespace}
  name: controller
  labels:
    app.kubernetes.io/name: k8sglue
    app.kubernetes.io/component: controller
spec:
  # One leads, the other one takes over.
  replicas: 2
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      app.kubernetes.io/name: k8sglue
      app.kubernetes.io/component: controller
  template:
    metadata:
      labels:
        app.kubernetes.io/name: k8sglue
        app.kubernetes.io/component: controller
    spec:
      serviceAccountName: controller
      terminationGracePeriodSeconds: 5
      nodeSelector:
        kubernetes.io/os: linux
      securityContext:
        runAsNonRoot: true
        runAsUser: 65534
        runAsGroup: 65534
        seccompProfile:
          type: RuntimeDefault
      containers:
      - name: controller
        image: {image}
        command: [k8sglue, controller]
        args: [--namespace, {namespace}, --config, {config}]
        env:
        - name: PYTHONDONTWRITEBYTECODE
          value: "1"
        ports:
        - name: monitoring
          containerPort: 7472
        livenessProbe:
          httpGet:
            path: /healthz
            port: monitoring
          initialDelaySeconds: 10
        readinessProbe:
          httpGet:
            path: /readyz
            port: monitoring
        resources:
          requests:
            cpu: 50m
            memory: 96Mi
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities:
            drop: [ALL]
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  namespace: {namespace}
  name: speaker
  labels:
    app.kubernetes.io/name: k8sglue
    app.kubernetes.io/component: speaker
spec:
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      app.kubernetes.io/name: k8sglue
      app.kubernetes.io/component: speaker
  template:
    metadata:
      labels:
        app.kubernetes.io/name: k8sglue
        app.kubernetes.io/component: speaker
    spec:
      serviceAccountName: speaker
      hostNetwork: true
      # Time to withdraw routes, to take leave of BGP peers, and to give up the Lease.
      terminationGracePeriodSeconds: 10
      nodeSelector:
        kubernetes.io/os: linux
      tolerations:
      - key: node-role.kubernetes.io/control-plane
        operator: Exists
        effect: NoSchedule
      - key: node-role.kubernetes.io/master
        operator: Exists
        effect: NoSchedule
      securityContext:
        # A capability that is added reaches the program only if it runs as root.
        runAsUser: 0
        seccompProfile:
          type: RuntimeDefault
      containers:
      - name: speaker
        image: {image}
        command: [k8sglue, speaker]
        args: [--namespace, {namespace}, --config, {config}, --node-name, $(NODE_NAME)]
        env:
        - name: NODE_NAME
          valueFrom:
            fieldRef:
              fieldPath: spec.nodeName
        - name: PYTHONDONTWRITEBYTECODE
          value: "1"
        resources:
          requests:
            cpu: 50m
            memory: 96Mi
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities:
            drop: [ALL]
            # For ARP.
            add: [NET_RAW]
"""
