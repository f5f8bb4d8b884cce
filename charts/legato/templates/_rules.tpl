{{- /* What the operator does, and nothing more. */ -}}

{{- /* Where it works: in every namespace, or in those that are named. */ -}}
{{- define "legato.rules.working" -}}
- apiGroups: [legato.dev]
  resources: [musicbots, lavalinknodes]
  verbs: [get, list, watch, patch]
- apiGroups: [legato.dev]
  resources: [musicbots/status, lavalinknodes/status]
  verbs: [patch]
# What blocks its owner's deletion asks for this where the API server enforces it.
- apiGroups: [legato.dev]
  resources: [musicbots/finalizers, lavalinknodes/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [configmaps, serviceaccounts, services]
  verbs: &child [list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: *child
- apiGroups: [batch]
  resources: [cronjobs, jobs]
  verbs: *child
- apiGroups: [networking.k8s.io]
  resources: [ingresses, networkpolicies]
  verbs: *child
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: *child
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors, prometheusrules, servicemonitors]
  verbs: *child
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, patch, delete]
# Those that resources name are read one by one; nodes' passwords, and what pods begin with, are written.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, patch]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end -}}

{{- define "legato.rules.machines" -}}
- apiGroups: [""]
  resources: [nodes]
  verbs: [list, watch]
{{- end -}}
