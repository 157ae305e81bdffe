{{- /* Names, labels and the parts that every pod has. What is refused stands in _validate.tpl. */ -}}

{{- define "furler.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Selector labels of a component: (list $ "compressor"). They never change in a release's life. */ -}}
{{- define "furler.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "furler.labels" -}}
{{- $root := index . 0 -}}
{{ include "furler.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: furler
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* Metadata of an object: (list $ "compressor" "name's suffix"). */ -}}
{{- define "furler.metadata" -}}
{{- $root := index . 0 -}}
name: {{ include "furler.fullname" $root }}{{ with index . 2 }}-{{ . }}{{ end }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "furler.labels" . | nindent 2 }}
{{- end -}}

{{- /* An image: (list $ image). A digest comes before a tag. */ -}}
{{- define "furler.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- with $root.Values.image.registry }}{{ . }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default $root.Chart.AppVersion $image.tag }}{{ end -}}
{{- end -}}

{{- define "furler.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "furler.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- /* What every pod has: (list $ "component" user). Service links would add FURLER_… variables. */ -}}
{{- define "furler.pod" -}}
{{- $root := index . 0 -}}
serviceAccountName: {{ include "furler.serviceAccountName" $root }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ index . 2 }}
  runAsGroup: {{ index . 2 }}
  fsGroup: {{ index . 2 }}
  seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "furler.spread" -}}
{{- $selector := include "furler.selector" . -}}
topologySpreadConstraints:
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- $selector | nindent 8 }}
    # Only pods of one revision are counted: during a rollout the old ones would skew it.
    matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end -}}

{{- define "furler.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- /* Endpoints are taken off while the process still serves. Its image has no shell and no sleep. */ -}}
{{- define "furler.preStop" -}}
lifecycle:
  preStop:
    exec:
      command: [/usr/bin/python3, -c, "import time; time.sleep(5)"]
{{- end -}}

{{- define "furler.tlsSecret" -}}
{{- default (printf "%s-tls" (include "furler.fullname" .)) .Values.tls.existingSecret -}}
{{- end -}}

{{- /* Settings given by name as variables: (list "PREFIX_" map). Numbers lose the exponent that YAML gives them. */ -}}
{{- define "furler.settings" -}}
{{- $prefix := index . 0 -}}
{{- range $name, $value := index . 1 }}
- name: {{ $prefix }}{{ upper $name }}
  {{- if kindIs "slice" $value }}
  value: {{ join "," $value | quote }}
  {{- else if and (kindIs "float64" $value) (eq (floor $value) $value) }}
  value: {{ int64 $value | quote }}
  {{- else }}
  value: {{ $value | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "furler.storeUrl" -}}
{{- $scheme := ternary "rediss" "redis" .Values.redis.tls.enabled -}}
{{- if eq .Values.redis.mode "trial" -}}
redis://{{ include "furler.fullname" . }}-redis:6379/0
{{- else if eq .Values.redis.mode "sentinel" -}}
{{ $scheme }}+sentinel://{{ join "," .Values.redis.addresses }}/{{ .Values.redis.sentinelService }}/{{ .Values.redis.database }}
{{- else if eq .Values.redis.mode "cluster" -}}
{{ $scheme }}+cluster://{{ join "," .Values.redis.addresses }}
{{- else -}}
{{ $scheme }}://{{ first .Values.redis.addresses }}/{{ .Values.redis.database }}
{{- end -}}
{{- end -}}

{{- define "furler.tritonUrls" -}}
{{- if .Values.model.triton.urls -}}
{{- join "," .Values.model.triton.urls -}}
{{- else -}}
grpc://{{ include "furler.fullname" . }}-triton.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:8001
{{- end -}}
{{- end -}}

{{- define "furler.ownTriton" -}}
{{- if and (eq .Values.model.mode "triton") (not .Values.model.triton.urls) }}true{{ end -}}
{{- end -}}
