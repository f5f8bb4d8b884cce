{{- /* The operator's settings: docs/settings.md, Operator. */ -}}

{{- define "legato.env" -}}
- name: MEMBER
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: OPERATOR_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- {name: LISTEN, value: "0.0.0.0"}
- {name: OPERATOR_PORT, value: {{ .Values.port | quote }}}
- {name: NAMESPACES, value: {{ join "," .Values.namespaces | quote }}}
- {name: MACHINES, value: {{ include "legato.machines" . | quote }}}
- {name: RELEASE, value: {{ include "legato.version" . | quote }}}
- {name: ROLLOUTS_AT_ONCE, value: {{ .Values.rolloutsAtOnce | quote }}}
- {name: LOOK_AGAIN, value: {{ .Values.lookAgain | quote }}}
- {name: LOOKS_AT_ONCE, value: {{ .Values.looksAtOnce | quote }}}
- {name: BLIND_AFTER, value: {{ .Values.blindAfter | quote }}}
- {name: LOG_LEVEL, value: {{ .Values.log.level | quote }}}
- {name: LOG_FORMAT, value: {{ .Values.log.format | quote }}}
- {name: CHECK_TOKENS, value: {{ .Values.discord.checkTokens | quote }}}
- {name: CHECK_TOKENS_EVERY, value: {{ .Values.discord.checkTokensEvery | quote }}}
{{- if .Values.simulator.enabled }}
- {name: DISCORD_REST_URL, value: {{ include "legato.simulator.url" . | quote }}}
{{- else if .Values.discord.restUrl }}
- {name: DISCORD_REST_URL, value: {{ .Values.discord.restUrl | quote }}}
{{- end }}
{{- with .Values.prometheus }}
{{- if .url }}
- {name: PROMETHEUS_URL, value: {{ .url | quote }}}
- {name: PROMETHEUS_TIMEOUT, value: {{ .timeout | quote }}}
- {name: PROMETHEUS_FRESH, value: {{ .fresh | quote }}}
{{- end }}
{{- if .tokenSecret.name }}
- name: PROMETHEUS_TOKEN
  valueFrom: {secretKeyRef: {name: {{ .tokenSecret.name | quote }}, key: {{ .tokenSecret.key | quote }}}}
{{- end }}
{{- if .caSecret.name }}
- {name: PROMETHEUS_CA_FILE, value: /etc/legato/prometheus/ca.crt}
{{- end }}
{{- end }}
{{- with .Values.tracesUrl }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- end -}}
