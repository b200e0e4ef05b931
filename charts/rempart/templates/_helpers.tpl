{{/* Names leave room for the longest suffix within the 63 characters of a label. */}}
{{- define "rempart.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "rempart.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "rempart.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "rempart.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "rempart.serviceAccountName" -}}
{{- default (include "rempart.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{/* The operator as admission knows it. */}}
{{- define "rempart.user" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "rempart.serviceAccountName" . }}
{{- end -}}

{{- define "rempart.selectorLabels" -}}
app.kubernetes.io/name: {{ include "rempart.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "rempart.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "rempart.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "rempart.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ default .Chart.AppVersion $image.tag }}
{{- end -}}
{{- end -}}

{{- define "rempart.installationID" -}}
{{- required "installation.id must be set: it is part of the name and the mark of every bucket. Choose it once, for example --set installation.id=my-town, and keep it over reinstallations" .Values.installation.id -}}
{{- end -}}

{{/* The subject of the operator's bindings. */}}
{{- define "rempart.subject" -}}
- kind: ServiceAccount
  name: {{ include "rempart.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
