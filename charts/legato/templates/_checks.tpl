{{- /* What can't be together, each with a sentence that says what to do. */ -}}

{{- define "legato.checks" -}}
{{- $v := .Values -}}
{{- if and (not $v.namespaces) (not $v.rbac.clusterRoles) -}}
{{- fail "Without rbac.clusterRoles the operator can't work in all namespaces: name them in namespaces." -}}
{{- end -}}
{{- if and (eq (toString $v.machines) "true") (not $v.rbac.clusterRoles) -}}
{{- fail "machines needs a ClusterRole, which rbac.clusterRoles forbids: set machines to auto or false." -}}
{{- end -}}
{{- if and (not $v.serviceAccount.create) (not $v.serviceAccount.name) -}}
{{- fail "Name the service account to use in serviceAccount.name, or let serviceAccount.create be true." -}}
{{- end -}}
{{- if and (not $v.serviceAccount.create) $v.serviceAccount.annotations -}}
{{- fail "serviceAccount.annotations are for the one that the chart makes: write them to your own, or let serviceAccount.create be true." -}}
{{- end -}}
{{- if and $v.nameOverride $v.fullnameOverride -}}
{{- fail "nameOverride is a part of the name that fullnameOverride replaces: leave one out." -}}
{{- end -}}
{{- if and $v.networkPolicy.from (not $v.networkPolicy.enabled) -}}
{{- fail "networkPolicy.from keeps nobody out without networkPolicy.enabled: set it, or leave from empty." -}}
{{- end -}}
{{- $alerts := list -}}
{{- range (.Files.Get "files/alerts.yaml" | fromYaml).groups -}}
{{- range .rules -}}{{- $alerts = append $alerts .alert -}}{{- end -}}
{{- end -}}
{{- range $v.monitoring.excludedAlerts -}}
{{- if not (has . $alerts) -}}
{{- fail (printf "monitoring.excludedAlerts names %s, which the chart has not: it has %s." . (join ", " $alerts)) -}}
{{- end -}}
{{- end -}}
{{- if hasKey ($v.resources.limits | default dict) "cpu" -}}
{{- fail "resources.limits.cpu would stop the operator for up to 100 ms at a time: leave it out, and raise resources.requests.cpu." -}}
{{- end -}}
{{- if and (eq $v.image.tag "latest") (not $v.image.digest) -}}
{{- fail "image.tag latest is another image on another day: name a release, or set image.digest." -}}
{{- end -}}
{{- with $v.prometheus -}}
{{- if and .caSecret.name (not (hasPrefix "https://" .url)) -}}
{{- fail "prometheus.caSecret is for an address with https://: mend prometheus.url, or leave the Secret out." -}}
{{- end -}}
{{- if and .tokenSecret.name (not .url) -}}
{{- fail "prometheus.tokenSecret is for nobody without prometheus.url: set it, or leave the Secret out." -}}
{{- end -}}
{{- end -}}
{{- if and $v.crds.install (not $v.crds.keep) (not $v.uninstall.release) -}}
{{- fail "With crds.keep false uninstalling deletes every bot, and without uninstall.release nobody would let go of them: leave one as it is." -}}
{{- end -}}
{{- if $v.simulator.enabled -}}
{{- if $v.discord.restUrl -}}
{{- fail "simulator.enabled and discord.restUrl both say where Discord is: leave one out." -}}
{{- end -}}
{{- if eq $v.simulator.image.tag "latest" -}}
{{- fail "simulator.image.tag latest is another image on another day: name a release." -}}
{{- end -}}
{{- if not $v.simulator.tokenSecret.name -}}
{{- fail "The simulator knows its bot by a token: name a Secret in simulator.tokenSecret.name, the one that the MusicBot names too." -}}
{{- end -}}
{{- end -}}
{{- $ours := include "legato.env" . | fromYamlArray -}}
{{- $names := list -}}
{{- range $ours -}}{{- $names = append $names .name -}}{{- end -}}
{{- range $v.extraEnv -}}
{{- if has .name $names -}}
{{- fail (printf "extraEnv sets %s, which the chart sets itself: use its value instead." .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Whether the operator looks at machines. */ -}}
{{- define "legato.machines" -}}
{{- if eq (toString .Values.machines) "auto" -}}{{ .Values.rbac.clusterRoles }}{{- else -}}{{ .Values.machines }}{{- end -}}
{{- end -}}

{{- /* Whether a kind of Prometheus' operator is wanted: asked for, or known to the cluster. */ -}}
{{- define "legato.monitored" -}}
{{- $known := .root.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" .kind) -}}
{{- if eq (toString .said) "auto" -}}{{ $known }}{{- else -}}{{ .said }}{{- end -}}
{{- end -}}
