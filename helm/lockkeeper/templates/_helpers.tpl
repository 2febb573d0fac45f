{{/* Name of all objects: the release's, with the chart's unless that is in it. */}}
{{- define "lockkeeper.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What never changes, since a Deployment's selector may not. Jobs have another component, and no service leads to them. */}}
{{- define "lockkeeper.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: server
{{- end -}}

{{- define "lockkeeper.commonLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "lockkeeper.labels" -}}
{{ include "lockkeeper.selectorLabels" . }}
{{ include "lockkeeper.commonLabels" . }}
{{- end -}}

{{- define "lockkeeper.migrationLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: migration
{{ include "lockkeeper.commonLabels" . }}
{{- end -}}

{{- define "lockkeeper.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* "restricted" of Kubernetes' Pod Security Standards, for the pod and its container. */}}
{{- define "lockkeeper.podSecurityContext" -}}
runAsNonRoot: true
{{- with .Values.runAsUser }}
runAsUser: {{ int64 . }}
runAsGroup: {{ int64 . }}
fsGroup: {{ int64 . }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "lockkeeper.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Variables from secrets, as a list. Takes a list of [variable, secret, key]; an empty key is none. */}}
{{- define "lockkeeper.variables" -}}
{{- range . }}
{{- if index . 2 }}
- name: {{ index . 0 | quote }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 1 | quote }}
      key: {{ index . 2 | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The service would not start without these, and says so in a log that nobody reads yet. */}}
{{- define "lockkeeper.requireSecrets" -}}
{{- $given := keys .Values.secret.env -}}
{{- range .Values.extraEnv -}}
{{- $given = append $given .name -}}
{{- end -}}
{{- $needed := dict -}}
{{- $lockkeeper := .Values.config.lockkeeper | default dict -}}
{{- if dig "login" "oidc" "issuer" "" $lockkeeper -}}
{{- $_ := set $needed "LOCKKEEPER_LOGIN_OIDC_CLIENT_SECRET" "config.lockkeeper.login.oidc" -}}
{{- end -}}
{{- range $name, $webhook := $lockkeeper.webhooks -}}
{{- if not $webhook.url -}}
{{- $_ := set $needed (printf "LOCKKEEPER_WEBHOOKS_%s_URL" (upper $name)) (printf "config.lockkeeper.webhooks.%s" $name) -}}
{{- end -}}
{{- if ne ($webhook.format | default "json") "slack" -}}
{{- $_ := set $needed (printf "LOCKKEEPER_WEBHOOKS_%s_SECRET" (upper $name)) (printf "config.lockkeeper.webhooks.%s" $name) -}}
{{- end -}}
{{- end -}}
{{- range $variable, $for := $needed -}}
{{- if not (has $variable $given) -}}
{{- fail (printf "%s needs the variable %s: name a key of your secret for it in secret.env" $for $variable) -}}
{{- end -}}
{{- end -}}
{{- end -}}
