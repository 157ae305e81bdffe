{{- /* The compressor's variables and files. Files are mounted as directories, so that renewed ones arrive. */ -}}

{{- define "furler.compressorEnv" -}}
- {name: FURLER_LISTEN, value: "0.0.0.0:50051"}
- {name: FURLER_HEALTH_LISTEN, value: "0.0.0.0:50052"}
- {name: FURLER_METRICS_LISTEN, value: "0.0.0.0:9464"}
- {name: FURLER_ENGINE_PROCESSES, value: {{ .Values.compressor.engineProcesses | quote }}}
- {name: FURLER_DRAIN_SECONDS, value: {{ .Values.compressor.drainSeconds | quote }}}
- {name: FURLER_CONNECTION_AGE_SECONDS, value: {{ .Values.compressor.connectionAgeSeconds | quote }}}
- {name: FURLER_STORE, value: {{ include "furler.storeUrl" . | quote }}}
{{- with .Values.redis.auth.existingSecret }}
{{- with $.Values.redis.auth.username }}
- {name: FURLER_REDIS_USER, value: {{ . | quote }}}
{{- end }}
- name: FURLER_REDIS_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ . }}, key: {{ $.Values.redis.auth.passwordKey }}}}
{{- with $.Values.redis.auth.sentinelUsername }}
- {name: FURLER_REDIS_SENTINEL_USER, value: {{ . | quote }}}
{{- end }}
{{- if $.Values.redis.auth.sentinelPasswordKey }}
- name: FURLER_REDIS_SENTINEL_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ . }}, key: {{ $.Values.redis.auth.sentinelPasswordKey }}}}
{{- end }}
{{- end }}
{{- if and .Values.redis.tls.enabled .Values.redis.tls.existingSecret }}
- {name: FURLER_REDIS_CA_FILE, value: /etc/furler/redis/ca.crt}
{{- if .Values.redis.tls.clientCertificate }}
- {name: FURLER_REDIS_CERT_FILE, value: /etc/furler/redis/tls.crt}
- {name: FURLER_REDIS_KEY_FILE, value: /etc/furler/redis/tls.key}
{{- end }}
{{- end }}
{{- with .Values.auth.masterKey.existingSecret }}
- name: FURLER_MASTER_KEY
  valueFrom: {secretKeyRef: {name: {{ . }}, key: {{ $.Values.auth.masterKey.key }}}}
{{- end }}
{{- if .Values.auth.apiKeys.existingSecret }}
- {name: FURLER_API_KEYS, value: /etc/furler/api-keys/{{ .Values.auth.apiKeys.key }}}
{{- end }}
{{- if .Values.auth.keyring.existingSecret }}
- {name: FURLER_SEAL_KEYRING, value: /etc/furler/keyring/{{ .Values.auth.keyring.key }}}
{{- end }}
{{- with .Values.auth.jwt.jwks }}
- {name: FURLER_JWKS, value: {{ . | quote }}}
{{- end }}
{{- with .Values.auth.jwt.issuer }}
- {name: FURLER_JWT_ISSUER, value: {{ . | quote }}}
- {name: FURLER_JWT_AUDIENCE, value: {{ $.Values.auth.jwt.audience | quote }}}
- {name: FURLER_JWT_TENANT_CLAIM, value: {{ $.Values.auth.jwt.tenantClaim | quote }}}
{{- end }}
{{- with .Values.auth.jwt.keyHosts }}
- {name: FURLER_JWT_KEY_HOSTS, value: {{ join "," . | quote }}}
{{- end }}
{{- if or .Values.auth.jwt.ca.existingSecret .Values.auth.jwt.ca.existingConfigMap }}
- {name: FURLER_JWT_CA_FILE, value: /etc/furler/jwt-ca/{{ .Values.auth.jwt.ca.key }}}
{{- end }}
{{- if .Values.tls.enabled }}
- {name: FURLER_TLS_CERT_FILE, value: /etc/furler/tls/tls.crt}
- {name: FURLER_TLS_KEY_FILE, value: /etc/furler/tls/tls.key}
{{- if .Values.tls.mutual }}
- {name: FURLER_TLS_CLIENT_CA_FILE, value: /etc/furler/tls/ca.crt}
{{- end }}
{{- end }}
{{- if eq .Values.model.mode "triton" }}
- {name: FURLER_MODEL, value: {{ ternary "onnx" "none" .Values.model.triton.fallback }}}
- {name: FURLER_TRITON_URLS, value: {{ include "furler.tritonUrls" . | quote }}}
{{- else }}
- {name: FURLER_MODEL, value: {{ .Values.model.mode }}}
{{- end }}
{{- with .Values.telemetry.otlpEndpoint }}
- {name: FURLER_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- end }}
- {name: FURLER_TRACE_SHARE, value: {{ .Values.telemetry.traceShare | quote }}}
{{- include "furler.settings" (list "FURLER_" .Values.compressor.settings) }}
{{- with .Values.compressor.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "furler.compressorMounts" -}}
{{- if .Values.redis.tls.existingSecret }}
- {name: redis-tls, mountPath: /etc/furler/redis, readOnly: true}
{{- end }}
{{- if .Values.auth.apiKeys.existingSecret }}
- {name: api-keys, mountPath: /etc/furler/api-keys, readOnly: true}
{{- end }}
{{- if .Values.auth.keyring.existingSecret }}
- {name: keyring, mountPath: /etc/furler/keyring, readOnly: true}
{{- end }}
{{- if or .Values.auth.jwt.ca.existingSecret .Values.auth.jwt.ca.existingConfigMap }}
- {name: jwt-ca, mountPath: /etc/furler/jwt-ca, readOnly: true}
{{- end }}
{{- if .Values.tls.enabled }}
- {name: tls, mountPath: /etc/furler/tls, readOnly: true}
{{- end }}
{{- with .Values.compressor.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "furler.compressorVolumes" -}}
{{- with .Values.redis.tls.existingSecret }}
- {name: redis-tls, secret: {secretName: {{ . }}, defaultMode: 0440}}
{{- end }}
{{- with .Values.auth.apiKeys.existingSecret }}
- {name: api-keys, secret: {secretName: {{ . }}, defaultMode: 0440}}
{{- end }}
{{- with .Values.auth.keyring.existingSecret }}
- {name: keyring, secret: {secretName: {{ . }}, defaultMode: 0440}}
{{- end }}
{{- with .Values.auth.jwt.ca.existingSecret }}
- {name: jwt-ca, secret: {secretName: {{ . }}, defaultMode: 0440}}
{{- end }}
{{- with .Values.auth.jwt.ca.existingConfigMap }}
- {name: jwt-ca, configMap: {name: {{ . }}}}
{{- end }}
{{- if .Values.tls.enabled }}
- {name: tls, secret: {secretName: {{ include "furler.tlsSecret" . }}, defaultMode: 0440}}
{{- end }}
{{- with .Values.compressor.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
