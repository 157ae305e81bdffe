{{- /* Values that do not go together, each with the value's name. What one value may be, the schema says. */ -}}
{{- define "furler.validate" -}}
{{- if and (ne .Values.redis.mode "trial") (not .Values.redis.addresses) -}}
{{- fail (printf "redis.addresses: redis.mode %s wants at least one host:port" .Values.redis.mode) -}}
{{- end -}}
{{- if and (eq .Values.redis.mode "trial") .Values.redis.addresses -}}
{{- fail "redis.addresses: redis.mode trial brings its own; name another mode to use these" -}}
{{- end -}}
{{- if and (eq .Values.redis.mode "trial") (or .Values.redis.tls.enabled .Values.redis.auth.existingSecret) -}}
{{- fail "redis.mode: trial has neither TLS nor passwords; name another mode" -}}
{{- end -}}
{{- if and (eq .Values.redis.mode "standalone") (gt (len .Values.redis.addresses) 1) -}}
{{- fail "redis.addresses: redis.mode standalone takes one; sentinel and cluster take several" -}}
{{- end -}}
{{- if and (eq .Values.redis.mode "cluster") (gt (int .Values.redis.database) 0) -}}
{{- fail "redis.database: a Cluster has one database only, 0" -}}
{{- end -}}
{{- if and .Values.redis.tls.clientCertificate (not .Values.redis.tls.existingSecret) -}}
{{- fail "redis.tls.clientCertificate: wants redis.tls.existingSecret, too" -}}
{{- end -}}
{{- if and .Values.tls.enabled (not .Values.tls.existingSecret) (not .Values.tls.certManager.enabled) -}}
{{- fail "tls.enabled: wants tls.existingSecret or tls.certManager.enabled" -}}
{{- end -}}
{{- if and .Values.tls.certManager.enabled (not .Values.tls.certManager.issuerRef.name) -}}
{{- fail "tls.certManager.issuerRef.name: cert-manager needs the name of an issuer" -}}
{{- end -}}
{{- if and .Values.tls.mutual (not .Values.tls.enabled) -}}
{{- fail "tls.mutual: wants tls.enabled, too" -}}
{{- end -}}
{{- if and .Values.auth.keyring.existingSecret (not .Values.auth.masterKey.existingSecret) -}}
{{- fail "auth.keyring.existingSecret: sealing derives its keys from auth.masterKey.existingSecret, too" -}}
{{- end -}}
{{- if and .Values.auth.jwt.jwks (not (and .Values.auth.jwt.issuer .Values.auth.jwt.audience)) -}}
{{- fail "auth.jwt.jwks: wants auth.jwt.issuer and auth.jwt.audience, too" -}}
{{- end -}}
{{- if ne (empty .Values.auth.jwt.issuer) (empty .Values.auth.jwt.audience) -}}
{{- fail "auth.jwt.issuer and auth.jwt.audience: want both or neither" -}}
{{- end -}}
{{- if and .Values.auth.jwt.issuer (not .Values.auth.jwt.jwks) (not (hasPrefix "https://" .Values.auth.jwt.issuer)) -}}
{{- fail "auth.jwt.issuer: wants https:// to be discovered, or name the keys in auth.jwt.jwks" -}}
{{- end -}}
{{- if and .Values.auth.jwt.ca.existingSecret .Values.auth.jwt.ca.existingConfigMap -}}
{{- fail "auth.jwt.ca: want existingSecret or existingConfigMap, not both" -}}
{{- end -}}
{{- if and (or .Values.auth.jwt.ca.existingSecret .Values.auth.jwt.ca.existingConfigMap) (not .Values.auth.jwt.issuer) -}}
{{- fail "auth.jwt.ca: wants auth.jwt.issuer, whose keys it is for" -}}
{{- end -}}
{{- if and .Values.gateway.httpRoute.enabled (not .Values.gateway.httpRoute.parentRefs) -}}
{{- fail "gateway.httpRoute.parentRefs: want at least one Gateway" -}}
{{- end -}}
{{- range $name, $scale := dict "compressor" .Values.compressor.autoscaling "gateway" .Values.gateway.autoscaling "model.triton" .Values.model.triton.autoscaling -}}
{{- if gt (int $scale.minReplicas) (int $scale.maxReplicas) -}}
{{- fail (printf "%s.autoscaling.minReplicas: want at most maxReplicas" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
