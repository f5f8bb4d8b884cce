{{- /* What objects are called and labelled; the only place where that is written. */ -}}

{{- define "legato.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $chart := default .Chart.Name .Values.nameOverride -}}
{{- $base := ternary .Release.Name (printf "%s-%s" .Release.Name $chart) (contains $chart .Release.Name) -}}
{{- $base | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "legato.operator" -}}
{{- printf "%s-operator" (include "legato.name" .) -}}
{{- end -}}

{{- define "legato.simulator" -}}
{{- printf "%s-simulator" (include "legato.name" .) -}}
{{- end -}}

{{- define "legato.account" -}}
{{- .Values.serviceAccount.name | default (include "legato.operator" .) -}}
{{- end -}}

{{- /* Cluster-wide names carry the namespace, as two releases may have the same name. */ -}}
{{- define "legato.clusterwide" -}}
{{- printf "%s-%s" .Release.Namespace (include "legato.operator" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "legato.version" -}}
{{- .Values.release | default .Chart.AppVersion -}}
{{- end -}}

{{- define "legato.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "legato.simulator.image" -}}
{{- with .Values.simulator.image -}}
{{- printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "legato.selector" -}}
app.kubernetes.io/name: legato
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "legato.labels" -}}
{{ include "legato.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: legato
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}
